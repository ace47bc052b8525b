/* What every store does, whatever stands behind it. `open` gives an empty one each time. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Commit, Snapshot, Store, StoreChange, WatchBatch } from "../../control-plane/store/store.ts";
import { type ErrorKind, isAppError } from "../../core/errors.ts";
import { collect, countChanges, follow, put, remove, stopAtEnd, until, writeOnly } from "../control-plane/store/watching.ts";

export interface OpenOptions {
  readonly historyChanges?: number;
}

export function describeStore(name: string, open: (options?: OpenOptions) => Promise<Store>): void {
  describe(`store, ${name}`, () => {
    describeCommits(open);
    describeValues(open);
    describeLists(open);
    describeWatches(open);
    describeCompaction(open);
    describeHistories(open);
  });
}

type Open = (options?: OpenOptions) => Promise<Store>;

/** For assert.throws: an AppError of that kind whose message says that. */
function fails(kind: ErrorKind, message = /./): (error: unknown) => boolean {
  return (error) => isAppError(error, kind) && message.test(error.message);
}

function describeCommits(open: Open): void {
  it("starts empty, at revision 0", async () => {
    await using store = await open();
    assert.equal(store.revision, 0);
    assert.equal(store.get("a"), undefined);
    assert.deepEqual(store.list(""), { revision: 0, entries: [] });
  });

  it("gives each commit that writes the next revision", async () => {
    await using store = await open();
    assert.equal(await store.commit(writeOnly(put("a", 1))), 1);
    assert.equal(await store.commit(writeOnly(put("b", 2))), 2);
    assert.equal(await store.commit(writeOnly(put("a", 3))), 3);
    assert.equal(store.revision, 3);
    assert.deepEqual(store.get("a"), { key: "a", value: 3, createRevision: 1, modRevision: 3 });
    assert.deepEqual(store.get("b"), { key: "b", value: 2, createRevision: 2, modRevision: 2 });
  });

  it("gives all writes of a commit one revision", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("old", 0)));
    assert.equal(await store.commit(writeOnly(put("b", 1), put("a", 2), remove("old"))), 2);
    assert.deepEqual(
      store.list("").entries.map(({ key, modRevision }) => [key, modRevision]),
      [
        ["a", 2],
        ["b", 2],
      ],
    );
  });

  it("takes a key that was deleted for a new one when it returns", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    await store.commit(writeOnly(remove("a")));
    assert.equal(store.get("a"), undefined);
    await store.commit(writeOnly(put("a", 1)));
    assert.deepEqual(store.get("a"), { key: "a", value: 1, createRevision: 3, modRevision: 3 });
  });

  it("counts a delete of what is absent as no write", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    assert.equal(await store.commit(writeOnly(remove("b"))), 1);
    assert.equal(await store.commit({ checks: [{ key: "a", is: "present" }], writes: [] }), 1);
    assert.equal(store.revision, 1);
  });

  const conflicts: { check: Commit["checks"][number]; message: RegExp }[] = [
    { check: { key: "here", is: "absent" }, message: /"here" exists already/ },
    { check: { key: "gone", is: "present" }, message: /"gone" does not exist/ },
    { check: { key: "here", modRevision: 1 }, message: /"here" was written at revision 2, not 1/ },
    { check: { key: "gone", modRevision: 1 }, message: /"gone" does not exist/ },
  ];
  for (const { check, message } of conflicts) {
    it(`refuses a commit whose check ${JSON.stringify(check)} fails, and writes nothing of it`, async () => {
      await using store = await open();
      await store.commit(writeOnly(put("here", 1)));
      await store.commit(writeOnly(put("here", 2)));
      const commit: Commit = { checks: [{ key: "here", is: "present" }, check], writes: [put("x", 1), remove("here")] };
      await assert.rejects(store.commit(commit), fails("conflict", message));
      assert.equal(store.revision, 2);
      assert.deepEqual(
        store.list("").entries.map((entry) => entry.key),
        ["here"],
      );
    });
  }

  it("commits where all checks hold", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    const checks: Commit["checks"] = [
      { key: "a", is: "present" },
      { key: "a", modRevision: 1 },
      { key: "b", is: "absent" },
    ];
    assert.equal(await store.commit({ checks, writes: [put("b", 1)] }), 2);
  });

  it("refuses two writes of one key in a commit", async () => {
    await using store = await open();
    await assert.rejects(store.commit(writeOnly(put("a", 1), remove("a"))), fails("invalid", /"a" twice/));
    assert.equal(store.revision, 0);
  });

  it("lets one of many that claim the same key at once win", async () => {
    await using store = await open();
    const claims = Array.from({ length: 50 }, (_, owner) =>
      store.commit({ checks: [{ key: "allocation", is: "absent" }], writes: [put("allocation", owner), put(`o/${owner}`, 1)] }),
    );
    const answers = await Promise.allSettled(claims);
    const refusals = answers.filter((answer) => answer.status === "rejected").map((answer) => answer.reason);
    assert.deepEqual(answers[0], { status: "fulfilled", value: 1 });
    assert.equal(refusals.length, 49);
    assert.ok(refusals.every(fails("conflict", /"allocation" exists already/)));
    assert.equal(store.list("o/").entries.length, 1);
  });

  it("puts commits that come at once in their order", async () => {
    await using store = await open();
    const revisions = await Promise.all(Array.from({ length: 200 }, (_, i) => store.commit(writeOnly(put("a", i)))));
    assert.deepEqual(
      revisions,
      Array.from({ length: 200 }, (_, i) => i + 1),
    );
    assert.equal(store.get("a")?.value, 199);
  });

  it("refuses everything once it is closed, and closes twice", async () => {
    const store = await open();
    await store.commit(writeOnly(put("a", 1)));
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    await assert.rejects(store.commit(writeOnly(put("a", 2))), fails("unavailable", /closed/));
    assert.throws(() => store.get("a"), fails("unavailable", /closed/));
    assert.throws(() => store.list(""), fails("unavailable", /closed/));
    await assert.rejects(store.compact(1), fails("unavailable", /closed/));
    const signal = AbortSignal.timeout(5_000);
    await assert.rejects(collect(store.watch("", { since: 0, signal }), 1), fails("unavailable", /closed/));
  });

  it("keeps commits that were under way when it closes", async () => {
    const store = await open();
    const commits = [store.commit(writeOnly(put("a", 1))), store.commit(writeOnly(put("b", 1)))];
    await store[Symbol.asyncDispose]();
    assert.deepEqual(await Promise.all(commits), [1, 2]);
  });
}

function describeValues(open: Open): void {
  const values: { what: string; value: unknown }[] = [
    { what: "null", value: null },
    { what: "an empty object", value: {} },
    { what: "an empty list", value: [] },
    { what: "text of all kinds", value: ["", "ü€😀", '\u0000\u2028"\\', "\ud800"] },
    { what: "numbers", value: [0, -1.5e-300, Number.MAX_SAFE_INTEGER, 1e308, 0.1] },
    { what: "odd property names", value: JSON.parse('{"__proto__":{"a":1},"constructor":2,"toJSON":3,"":4,"1":5}') },
    { what: "deep data", value: JSON.parse("[".repeat(90) + "]".repeat(90)) },
    { what: "a megabyte", value: "x".repeat(1_000_000) },
  ];
  for (const { what, value } of values) {
    it(`keeps ${what}`, async () => {
      await using store = await open();
      await store.commit(writeOnly(put("a", value)));
      assert.deepEqual(store.get("a")?.value, value);
      await store.commit(writeOnly(put("b", 1)));
      assert.deepEqual(store.get("a")?.value, value);
    });
  }

  it("leaves out properties that are undefined", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", { b: undefined, c: { d: undefined, e: 1 } })));
    assert.deepEqual(store.get("a")?.value, { c: { e: 1 } });
  });

  const circular: unknown[] = [];
  circular.push(circular);
  const notJson: { what: string; value: unknown; message: RegExp }[] = [
    { what: "undefined", value: undefined, message: /the value of "a": undefined is not JSON/ },
    { what: "undefined in a list", value: { b: [1, undefined] }, message: /the value of "a"\.b\[1\]: undefined/ },
    { what: "NaN", value: { b: Number.NaN }, message: /the value of "a"\.b: NaN/ },
    { what: "Infinity", value: Number.POSITIVE_INFINITY, message: /Infinity/ },
    { what: "a bigint", value: 1n, message: /bigint/ },
    { what: "a function", value: { b() {} }, message: /"a"\.b: function/ },
    { what: "a Date", value: new Date(0), message: /Date/ },
    { what: "a Map", value: new Map(), message: /Map/ },
    { what: "bytes", value: new Uint8Array(1), message: /Uint8Array/ },
    { what: "data in itself", value: circular, message: /levels deep, or in itself/ },
  ];
  for (const { what, value, message } of notJson) {
    it(`refuses ${what} as a value, and all that comes with it`, async () => {
      await using store = await open();
      await assert.rejects(store.commit(writeOnly(put("b", 1), put("a", value))), fails("invalid", message));
      assert.equal(store.revision, 0);
    });
  }

  for (const key of ["", "a\0b", "\ud800", "x".repeat(1_025)]) {
    it(`refuses the key ${JSON.stringify(key.slice(0, 10))} of ${key.length} characters`, async () => {
      await using store = await open();
      await assert.rejects(store.commit(writeOnly(put(key, 1))), fails("invalid", /key/));
      await assert.rejects(store.commit({ checks: [{ key, is: "absent" }], writes: [] }), fails("invalid", /key/));
    });
  }

  it("freezes values all the way down", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", { list: [{ b: 1 }] })));
    const entry = store.get("a");
    assert.ok(entry !== undefined && Object.isFrozen(entry));
    const value = entry.value as { list: { b: number }[] };
    assert.ok(Object.isFrozen(value) && Object.isFrozen(value.list) && Object.isFrozen(value.list[0]));
  });

  it("keeps what was given, whatever the caller does with it later", async () => {
    await using store = await open();
    const value = { list: [1] };
    const commit = store.commit(writeOnly(put("a", value)));
    value.list.push(2);
    await commit;
    value.list.push(3);
    assert.deepEqual(store.get("a")?.value, { list: [1] });
    assert.ok(!Object.isFrozen(value));
  });
}

function describeLists(open: Open): void {
  const keys = ["a", "a/", "a/1", "a/10", "a/2", "a0", "b", "ä", "pods/default/web"];
  const cases = [
    { prefix: "", want: ["a", "a/", "a/1", "a/10", "a/2", "a0", "b", "pods/default/web", "ä"] },
    { prefix: "a", want: ["a", "a/", "a/1", "a/10", "a/2", "a0"] },
    { prefix: "a/", want: ["a/", "a/1", "a/10", "a/2"] },
    { prefix: "a/1", want: ["a/1", "a/10"] },
    { prefix: "pods/", want: ["pods/default/web"] },
    { prefix: "c", want: [] },
    { prefix: "ä", want: ["ä"] },
  ];
  for (const { prefix, want } of cases) {
    it(`lists ${JSON.stringify(prefix)} in the order of keys`, async () => {
      await using store = await open();
      await store.commit(writeOnly(...keys.toReversed().map((key) => put(key, 1))));
      const { revision, entries } = store.list(prefix);
      assert.equal(revision, 1);
      assert.deepEqual(
        entries.map((entry) => entry.key),
        want,
      );
    });
  }

  it("gives a list that later commits don't touch", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1), put("b", 1)));
    const before = store.list("");
    await store.commit(writeOnly(put("a", 2), remove("b"), put("c", 1)));
    assert.deepEqual(
      before.entries.map(({ key, value }) => [key, value]),
      [
        ["a", 1],
        ["b", 1],
      ],
    );
  });

  it("keeps thousands of keys in order, through deletions", async () => {
    await using store = await open();
    const all = Array.from({ length: 3_000 }, (_, i) => `k/${((i * 7_919) % 3_000).toString().padStart(4, "0")}`);
    await store.commit(writeOnly(...all.map((key) => put(key, 1))));
    await store.commit(writeOnly(...all.filter((key) => key < "k/1500" || key.endsWith("7")).map(remove)));
    const want = all.filter((key) => !(key < "k/1500" || key.endsWith("7"))).sort();
    assert.deepEqual(
      store.list("k/").entries.map((entry) => entry.key),
      want,
    );
    assert.equal(store.list("k/20").entries.length, 90);
  });
}

function describeWatches(open: Open): void {
  it("gives the past, then what comes, each change once", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    await store.commit(writeOnly(put("a", 1)));
    await store.commit(writeOnly(put("a", 2)));
    const seen = collect(store.watch("", { since: 1, signal: stop.signal }), 3);
    await store.commit(writeOnly(put("b", 1)));
    await store.commit(writeOnly(remove("a")));
    assert.deepEqual(changesIn(await seen), [
      { type: "put", entry: entryOf("a", 2, 1, 2), previous: entryOf("a", 1, 1, 1) },
      { type: "put", entry: entryOf("b", 1, 3, 3), previous: undefined },
      { type: "delete", key: "a", previous: entryOf("a", 2, 1, 2), revision: 4 },
    ]);
  });

  it("gives only keys with the prefix", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    await store.commit(writeOnly(put("pods/a", 1), put("podsets/a", 1)));
    const seen = collect(store.watch("pods/", { since: 0, signal: stop.signal }), 2);
    await store.commit(writeOnly(put("nodes/a", 1)));
    await store.commit(writeOnly(put("nodes/b", 1), put("pods/b", 1)));
    assert.deepEqual(changesIn(await seen).map(keyOf), ["pods/a", "pods/b"]);
  });

  it("gives a commit's changes together, in the order of its writes", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    await store.commit(writeOnly(put("c", 1)));
    const live = collect(store.watch("", { since: 1, signal: stop.signal }), 3);
    await store.commit(writeOnly(put("b", 1), remove("c"), put("a", 1)));
    const replayed = collect(store.watch("", { since: 1, signal: stop.signal }), 3);
    for (const batches of [await live, await replayed]) {
      assert.equal(batches.length, 1);
      assert.equal(batches[0]?.revision, 2);
      assert.deepEqual(changesIn(batches).map(keyOf), ["b", "c", "a"]);
    }
  });

  it("says how far a batch reaches, so that a watch can go on from there", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    for (let i = 0; i < 30; i++) await store.commit(writeOnly(put(`${i % 2}/${i}`, i)));
    const [first] = await collect(store.watch("0/", { since: 0, signal: stop.signal }), 1);
    assert.ok(first !== undefined);
    const rest = await collect(store.watch("0/", { since: first.revision, signal: stop.signal }), 15 - first.changes.length);
    assert.deepEqual(
      changesIn([first, ...rest]).map(keyOf),
      Array.from({ length: 15 }, (_, i) => `0/${i * 2}`),
    );
  });

  it("lets several watch at their own pace", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    const valuesAfter = async (since: number) => {
      const batches = await collect(store.watch("", { since, signal: stop.signal }), 12 - since);
      return changesIn(batches).map((change) => change.type === "put" && change.entry.value);
    };
    const early = valuesAfter(0);
    for (let i = 0; i < 12; i++) await store.commit(writeOnly(put("a", i)));
    for (const { since, values } of [
      { since: 0, values: await early },
      { since: 3, values: await valuesAfter(3) },
      { since: 11, values: await valuesAfter(11) },
    ]) {
      const want = Array.from({ length: 12 - since }, (_, i) => i + since);
      assert.deepEqual(values, want);
    }
  });

  it("ends when its signal aborts, before or while it waits", async () => {
    await using store = await open();
    assert.deepEqual(await collect(store.watch("", { since: 0, signal: AbortSignal.abort() }), 1), []);
    using stop = stopAtEnd();
    const waiting = collect(store.watch("", { since: 0, signal: stop.signal }), 1);
    await store.commit({ checks: [], writes: [] });
    stop.abort();
    assert.deepEqual(await waiting, []);
  });

  for (const since of [-1, 0.5, Number.NaN]) {
    it(`refuses to watch from ${since}`, async () => {
      await using store = await open();
      const watch = store.watch("", { since, signal: AbortSignal.timeout(5_000) });
      await assert.rejects(collect(watch, 1), fails("invalid", /not a revision/));
    });
  }

  it("says of a revision that is yet to come that it is not of this store's past", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    const watch = store.watch("", { since: 2, signal: AbortSignal.timeout(5_000) });
    await assert.rejects(collect(watch, 1), fails("too-old", /revision 2 is not in this store's past, which ends at 1/));
  });
}

function describeCompaction(open: Open): void {
  it("tells what was committed after a revision, unless some of it is forgotten or it is yet to come", async () => {
    await using store = await open();
    for (let i = 1; i <= 3; i++) await store.commit(writeOnly(put("a", i), put(`b/${i}`, i)));
    const keysAfter = (since: number) =>
      store
        .changesAfter(since)
        ?.map((change) => (change.type === "put" ? `${change.entry.key}=${change.entry.value}` : change.key));
    assert.deepEqual(keysAfter(1), ["a=2", "b/2=2", "a=3", "b/3=3"]);
    assert.deepEqual(keysAfter(3), []);
    assert.equal(keysAfter(4), undefined);
    await store.compact(2);
    assert.equal(keysAfter(1), undefined);
    assert.deepEqual(keysAfter(2), ["a=3", "b/3=3"]);
  });

  it("forgets changes and keeps values", async () => {
    await using store = await open();
    using stop = stopAtEnd();
    for (let i = 1; i <= 5; i++) await store.commit(writeOnly(put("a", i), i === 3 ? remove("b") : put("b", i)));
    const before = store.list("");
    await store.compact(3);
    assert.deepEqual(store.list(""), before);
    for (const since of [0, 2]) {
      const tooOld = collect(store.watch("", { since, signal: stop.signal }), 1);
      await assert.rejects(tooOld, fails("too-old", new RegExp(`after revision ${since} are forgotten up to 3: list again`)));
    }
    const seen = changesIn(await collect(store.watch("", { since: 3, signal: stop.signal }), 4));
    assert.deepEqual(seen[0], { type: "put", entry: entryOf("a", 4, 1, 4), previous: entryOf("a", 3, 1, 3) });
    assert.deepEqual(seen[1], { type: "put", entry: entryOf("b", 4, 4, 4), previous: undefined });
  });

  it("does nothing the second time, and refuses what is yet to come", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    await store.compact(1);
    await store.compact(1);
    await store.compact(0);
    await assert.rejects(store.compact(2), fails("invalid", /newest revision is 1/));
  });

  it("goes on from the last revision, with everything forgotten and deleted", async () => {
    await using store = await open();
    await store.commit(writeOnly(put("a", 1)));
    await store.commit(writeOnly(remove("a")));
    await store.compact(2);
    assert.equal(await store.commit(writeOnly(put("a", 1))), 3);
  });

  it("takes many rows, several compactions at once, and commits in between", async () => {
    await using store = await open();
    const keys = Array.from({ length: 1_300 }, (_, i) => `k/${i}`);
    for (let round = 0; round < 3; round++) await store.commit(writeOnly(...keys.map((key) => put(key, round))));
    const [revision] = await Promise.all([store.commit(writeOnly(put("a", 1))), store.compact(2), store.compact(3)]);
    assert.equal(revision, 4);
    assert.equal(store.list("k/").entries.length, 1_300);
    assert.ok(store.list("k/").entries.every((entry) => entry.value === 2));
  });

  it("keeps the last changes by itself", async () => {
    await using store = await open({ historyChanges: 100 });
    using stop = stopAtEnd();
    for (let i = 0; i < 30; i++)
      await Promise.all(Array.from({ length: 10 }, (_, j) => store.commit(writeOnly(put(`k/${j}`, i)))));
    const recent = changesIn(await collect(store.watch("", { since: 200, signal: stop.signal }), 100));
    assert.equal(recent.length, 100);
    await assert.rejects(collect(store.watch("", { since: 190, signal: stop.signal }), 1), fails("too-old"));
    assert.equal(store.list("").entries.length, 10);
  });
}

/** Random commits, several at once, against a model that is a Map. */
function describeHistories(open: Open): void {
  const key = fc.constantFrom("a", "a/1", "a/2", "b", "b/1");
  const write = fc.oneof(
    fc.record({ type: fc.constant("put" as const), key, value: fc.jsonValue({ maxDepth: 2 }) }),
    fc.record({ type: fc.constant("delete" as const), key }),
  );
  const check = fc.oneof(
    fc.record({ key, is: fc.constantFrom("absent" as const, "present" as const) }),
    fc.record({ key, modRevision: fc.nat(12) }),
  );
  const commit = fc.record({
    checks: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(check, { maxLength: 2 }) }),
    writes: fc.uniqueArray(write, { maxLength: 4, selector: (each) => each.key }),
  });
  const groups = fc.array(fc.array(commit, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

  it("agrees with a model on any history: answers, values, and a watch from every revision", async () => {
    await fc.assert(
      fc.asyncProperty(groups, fc.constantFrom("", "a", "a/", "b"), async (history, prefix) => {
        await using store = await open();
        using stop = stopAtEnd();
        const model = new Model();
        const live = follow(store.watch(prefix, { since: 0, signal: stop.signal }));
        for (const group of history) {
          const answers = await Promise.allSettled(group.map((each) => store.commit(each as Commit)));
          for (const [index, each] of group.entries()) {
            const want = model.commit(each as Commit);
            const got = answers[index];
            if (want === "conflict") assert.ok(got?.status === "rejected" && fails("conflict")(got.reason));
            else assert.ok(got?.status === "fulfilled" && got.value === want, `revision ${want}`);
          }
          assert.deepEqual(store.list(prefix), model.list(prefix));
        }
        for (let since = 0; since <= store.revision; since++) {
          const batches = await collect(store.watch(prefix, { since, signal: stop.signal }), model.changeCount(prefix, since));
          assertReplays(batches, { model, prefix, since });
        }
        const count = model.changeCount(prefix, 0);
        await until("the live watch gives all changes", () => countChanges(live.batches) >= count);
        stop.abort();
        await live.ended;
        assertReplays(live.batches, { model, prefix, since: 0 });
      }),
      { numRuns: 100 },
    );
  });
}

/** What a reader that knew the state at `since` has after the batches is the present; no batch ends within a commit. */
function assertReplays(
  batches: readonly WatchBatch[],
  { model, prefix, since }: { model: Model; prefix: string; since: number },
) {
  const state = new Map(model.at(since).map((entry) => [entry.key, entry]));
  let reached = since;
  for (const { revision, changes } of batches) {
    for (const change of changes) {
      const at = change.type === "put" ? change.entry.modRevision : change.revision;
      assert.ok(at > since && at >= reached && at <= revision);
      assert.deepEqual(change.previous, state.get(keyOf(change)));
      if (change.type === "put") state.set(change.entry.key, change.entry);
      else state.delete(change.key);
    }
    reached = revision;
    const want = model.at(revision).filter((entry) => entry.key.startsWith(prefix));
    const got = [...state.values()].filter((entry) => entry.key.startsWith(prefix));
    assert.deepEqual(got.sort(byKey), want, `the state after the batch of revision ${revision}`);
  }
  const present = [...state.values()].filter((entry) => entry.key.startsWith(prefix)).sort(byKey);
  assert.deepEqual(present, model.list(prefix).entries);
}

type ModelEntry = Snapshot["entries"][number];

/** The whole state after each revision, copied. */
class Model {
  readonly #states: ModelEntry[][] = [[]];
  readonly #written: string[][] = [[]];

  commit({ checks, writes }: Commit): number | "conflict" {
    const state = new Map(this.at(this.#revision).map((entry) => [entry.key, entry]));
    for (const check of checks) {
      const entry = state.get(check.key);
      const holds = "is" in check ? (check.is === "present") === (entry !== undefined) : entry?.modRevision === check.modRevision;
      if (!holds) return "conflict";
    }
    const real = writes.filter((write) => write.type === "put" || state.has(write.key));
    if (real.length === 0) return this.#revision;
    const revision = this.#revision + 1;
    for (const write of real) {
      const createRevision = state.get(write.key)?.createRevision ?? revision;
      state.delete(write.key);
      if (write.type === "put") state.set(write.key, entryOf(write.key, plain(write.value), createRevision, revision));
    }
    this.#states.push([...state.values()].sort(byKey));
    this.#written.push(real.map((write) => write.key));
    return revision;
  }

  at(revision: number): readonly ModelEntry[] {
    return this.#states[revision] ?? assert.fail(`no revision ${revision}`);
  }

  list(prefix: string): Snapshot {
    return { revision: this.#revision, entries: this.at(this.#revision).filter((entry) => entry.key.startsWith(prefix)) };
  }

  changeCount(prefix: string, since: number): number {
    return this.#written
      .slice(since + 1)
      .flat()
      .filter((key) => key.startsWith(prefix)).length;
  }

  get #revision(): number {
    return this.#states.length - 1;
  }
}

function entryOf(key: string, value: unknown, createRevision: number, modRevision: number): ModelEntry {
  return { key, value, createRevision, modRevision };
}

function changesIn(batches: readonly WatchBatch[]): StoreChange[] {
  return batches.flatMap((batch) => batch.changes);
}

function keyOf(change: StoreChange): string {
  return change.type === "put" ? change.entry.key : change.key;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function byKey(a: ModelEntry, b: ModelEntry): number {
  return a.key < b.key ? -1 : 1;
}
