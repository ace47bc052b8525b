/* What the store makes of a journal that fails. The full disk is a real one to SQLite: a file that may not grow. A failed fsync
 * can't be had from a healthy disk, so there a journal of the test's own fails. */

import assert from "node:assert/strict";
import type { Journal, JournalCommit } from "../../../control-plane/store/journal.ts";
import { noJournal } from "../../../control-plane/store/journal.ts";
import { openStore } from "../../../control-plane/store/open-store.ts";
import { writeError } from "../../../control-plane/store/sqlite-errors.ts";
import { openSqliteStore } from "../../../control-plane/store/sqlite-store.ts";
import { AppError, isAppError } from "../../../core/errors.ts";
import { systemClock } from "../../../process/system-clock.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { follow, put, stopAtEnd, writeOnly } from "./watching.ts";

describe("a store whose journal fails", () => {
  it("rejects a whole group where the disk is full, shows none of it, and goes on", async () => {
    const failing = failingJournal();
    await using store = openStore({ journal: failing.journal });
    using stop = stopAtEnd();
    await store.commit(writeOnly(put("a", 1)));
    const watch = follow(store.watch("", { since: 1, signal: stop.signal }));
    failing.next = new AppError("exhausted", "the disk is full");
    const group = [
      store.commit(writeOnly(put("a", 2))),
      store.commit({ checks: [{ key: "b", is: "absent" }], writes: [put("b", 1)] }),
      // Not a conflict: the commit that it lost to did not happen.
      store.commit({ checks: [{ key: "b", is: "absent" }], writes: [put("b", 2)] }),
    ];
    for (const answer of await Promise.allSettled(group)) {
      assert.ok(answer.status === "rejected" && isAppError(answer.reason, "exhausted"));
    }
    assert.equal(store.revision, 1);
    assert.equal(store.get("a")?.value, 1);
    assert.deepEqual(store.list("b").entries, []);
    assert.equal(await store.commit(writeOnly(put("c", 1))), 2);
    stop.abort();
    await watch.ended;
    assert.ok(watch.batches.every((batch) => batch.changes.every((change) => change.type === "put" && change.entry.key === "c")));
    assert.deepEqual(
      failing.kept.map((commit) => commit.revision),
      [1, 2],
    );
  });

  for (const { what, error } of [
    { what: "a failed fsync", error: new AppError("internal", "disk I/O error") },
    { what: "an error of unknown meaning", error: new TypeError("what?") },
  ]) {
    it(`refuses everything after ${what}`, async () => {
      const failing = failingJournal();
      await using store = openStore({ journal: failing.journal });
      using stop = stopAtEnd();
      await store.commit(writeOnly(put("a", 1)));
      const watch = follow(store.watch("", { since: 1, signal: stop.signal }));
      failing.next = error;
      const stopped = (thrown: unknown) => isAppError(thrown, "internal") && /the store stopped/.test(thrown.message);
      await assert.rejects(store.commit(writeOnly(put("a", 2))), stopped);
      await assert.rejects(watch.ended, stopped);
      await assert.rejects(store.commit(writeOnly(put("a", 2))), stopped);
      await assert.rejects(store.compact(1), stopped);
      assert.throws(() => store.get("a"), stopped);
      assert.throws(() => store.list(""), stopped);
      assert.equal(failing.kept.length, 1);
    });
  }

  it("stops where a compaction breaks the journal", async () => {
    const failing = failingJournal();
    await using store = openStore({ journal: failing.journal });
    await store.commit(writeOnly(put("a", 1)));
    failing.next = new AppError("internal", "disk I/O error");
    await assert.rejects(store.compact(1), (error) => isAppError(error, "internal"));
    assert.throws(() => store.get("a"), /the store stopped/);
  });

  it("closes its journal where loading fails", () => {
    let closed = false;
    const journal: Journal = {
      ...noJournal,
      load() {
        throw new AppError("failed-precondition", "damaged");
      },
      [Symbol.dispose]() {
        closed = true;
      },
    };
    assert.throws(() => openStore({ journal }), /damaged/);
    assert.ok(closed);
  });

  it("has room again after a compaction of a SQLite file that was full", async () => {
    using directory = temporaryDirectory();
    const options = { path: directory.file("full.db"), clock: systemClock };
    {
      await using store = openSqliteStore({ ...options, bytesMax: 256 * 1024 });
      const big = "x".repeat(10_000);
      let kept = 0;
      const fill = async () => {
        for (;;) kept = await store.commit(writeOnly(put("a", `${store.revision + 1}${big}`)));
      };
      await assert.rejects(
        fill(),
        (error) => isAppError(error, "exhausted") && /full.db: .*full; free some space/.test(error.message),
      );
      assert.ok(kept > 10);
      assert.equal(store.revision, kept);
      assert.equal(store.get("a")?.modRevision, kept);
      await store.compact(kept - 1);
      assert.equal(await store.commit(writeOnly(put("b", big))), kept + 1);
    }
    await using again = openSqliteStore(options);
    assert.deepEqual(
      again.list("").entries.map((entry) => [entry.key, String(entry.value).replaceAll("x", "")]),
      [
        ["a", String(again.revision - 1)],
        ["b", ""],
      ],
    );
  });

  // https://www.sqlite.org/rescode.html
  const codes = [
    { name: "SQLITE_FULL", errcode: 13, kind: "exhausted" },
    { name: "SQLITE_NOMEM", errcode: 7, kind: "exhausted" },
    { name: "SQLITE_IOERR_WRITE", errcode: 778, kind: "exhausted" },
    { name: "SQLITE_IOERR_FSYNC", errcode: 1034, kind: "internal" },
    { name: "SQLITE_IOERR_DIR_FSYNC", errcode: 1290, kind: "internal" },
    { name: "SQLITE_IOERR", errcode: 10, kind: "internal" },
    { name: "SQLITE_CORRUPT", errcode: 11, kind: "internal" },
    { name: "SQLITE_READONLY", errcode: 8, kind: "internal" },
  ] as const;
  for (const { name, errcode, kind } of codes) {
    it(`takes ${name} for "${kind}"`, () => {
      assert.equal(writeError(Object.assign(new Error(name), { errcode }), "f.db").kind, kind);
    });
  }
});

interface FailingJournal {
  /** What the next call throws. */
  next: Error | undefined;
  readonly kept: JournalCommit[];
  readonly journal: Journal;
}

function failingJournal(): FailingJournal {
  const fail = () => {
    const error = failing.next;
    failing.next = undefined;
    if (error !== undefined) throw error;
  };
  const failing: FailingJournal = {
    next: undefined,
    kept: [],
    journal: {
      ...noJournal,
      append(commits) {
        fail();
        failing.kept.push(...commits);
      },
      compact: fail,
    },
  };
  return failing;
}
