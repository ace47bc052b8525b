import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore, type SqliteStoreOptions } from "../../../control-plane/store/sqlite-store.ts";
import { isAppError } from "../../../core/errors.ts";
import { systemClock } from "../../../process/system-clock.ts";
import { type TemporaryDirectory, temporaryDirectory } from "./temporary-directory.ts";
import { collect, countChanges, put, remove, stopAtEnd, writeOnly } from "./watching.ts";

describe("a store's SQLite file", () => {
  let directory: TemporaryDirectory;
  let path: string;
  beforeEach(() => {
    directory = temporaryDirectory();
    path = directory.file("store.db");
  });
  afterEach(() => directory[Symbol.dispose]());

  const open = (options: Partial<SqliteStoreOptions> = {}) => openSqliteStore({ path, clock: systemClock, ...options });
  const refuses = (message: RegExp) => {
    assert.throws(open, (error) => isAppError(error, "failed-precondition") && message.test(error.message));
  };
  /** Changes the file behind the store's back. */
  const tamper = (sql: string) => {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  };

  it("is readable for its owner only, the write-ahead log too", async () => {
    await using store = open();
    await store.commit(writeOnly(put("a", 1)));
    for (const file of [path, `${path}-wal`]) assert.equal(statSync(file).mode & 0o777, 0o600, file);
  });

  it("needs a directory that exists", () => {
    path = directory.file("missing/store.db");
    refuses(/missing does not exist: create it/);
  });

  it("is refused to a second store of the same process, and the first goes on", async () => {
    await using store = open();
    refuses(/store.db is in use by another control plane/);
    assert.equal(await store.commit(writeOnly(put("a", 1))), 1);
    // The refused one has closed its descriptors, which must not have dropped the first one's lock.
    refuses(/in use/);
  });

  it("is refused to another process", async () => {
    await using store = open();
    await store.commit(writeOnly(put("a", 1)));
    const program = `
      import { openSqliteStore } from ${JSON.stringify(moduleOf("control-plane/store/sqlite-store.ts"))};
      import { systemClock } from ${JSON.stringify(moduleOf("process/system-clock.ts"))};
      try { openSqliteStore({ path: process.argv[1], clock: systemClock }); console.log("opened"); }
      catch (error) { console.log(error.message); }`;
    const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program, path], { encoding: "utf8" });
    assert.match(output, /in use by another control plane: stop that one first/);
  });

  it("is opened again at once after it was closed", async () => {
    for (let revision = 1; revision <= 3; revision++) {
      await using store = open();
      assert.equal(await store.commit(writeOnly(put("a", revision))), revision);
    }
  });

  it("is refused where a newer version wrote it, and left as it is", async () => {
    await open()[Symbol.asyncDispose]();
    tamper("PRAGMA user_version = 2");
    const before = readFileSync(path);
    refuses(/written by a newer Podwire \(format 2, this one knows 1\)/);
    assert.deepEqual(readFileSync(path), before);
  });

  it("is refused where it is another program's database", () => {
    tamper("CREATE TABLE t (a)");
    refuses(/another program's database/);
  });

  it("is refused where it is no database", () => {
    writeFileSync(path, "This is a text, and a long enough one to be read as a header of a file.".repeat(20));
    refuses(/is not a Podwire store/);
  });

  it("is taken where a process was killed before it wrote anything", async () => {
    for (const made of [() => writeFileSync(path, ""), () => tamper("PRAGMA journal_mode = WAL")]) {
      made();
      await using store = open();
      assert.equal(await store.commit(writeOnly(put("a", 1))), 1);
      await store[Symbol.asyncDispose]();
      for (const file of [path, `${path}-wal`]) if (existsSync(file)) writeFileSync(file, "");
    }
  });

  it("is refused, naming the key, where a value is not JSON", async () => {
    {
      await using store = open();
      await store.commit(writeOnly(put("pods/default/web", { a: 1 }), put("b", 1)));
    }
    tamper("UPDATE changes SET value = '{\"a\":' WHERE key = 'pods/default/web'");
    refuses(/damaged: the value of "pods\/default\/web" at revision 1 is not JSON/);
  });

  it("is refused where a revision or what it deleted is missing", async () => {
    {
      await using store = open();
      for (let i = 0; i < 3; i++) await store.commit(writeOnly(put(`k/${i}`, 1)));
      await store.commit(writeOnly(remove("k/2")));
    }
    tamper("CREATE TABLE saved AS SELECT * FROM changes; DELETE FROM changes WHERE revision = 2");
    refuses(/damaged: the changes of revision 2 are missing/);
    tamper("DELETE FROM changes; INSERT INTO changes SELECT * FROM saved; DELETE FROM changes WHERE revision = 3");
    refuses(/damaged: what revision 4 deletes was not there/);
  });

  it("lets a watch resume after a restart from what the history holds, and no earlier", async () => {
    {
      await using store = open();
      for (let i = 1; i <= 10; i++) await store.commit(writeOnly(put("a", i), i % 2 ? put("b", i) : remove("b")));
      await store.compact(4);
    }
    await using store = open();
    using stop = stopAtEnd();
    assert.equal(store.revision, 10);
    const batches = await collect(store.watch("", { since: 4, signal: stop.signal }), 12);
    assert.equal(countChanges(batches), 12);
    assert.deepEqual(batches[0]?.changes[0]?.previous, { key: "a", value: 4, createRevision: 1, modRevision: 4 });
    const tooOld = collect(store.watch("", { since: 3, signal: stop.signal }), 1);
    await assert.rejects(tooOld, (error) => isAppError(error, "too-old") && /forgotten up to 4/.test(error.message));
  });

  it("holds no row that nobody needs after a compaction", async () => {
    {
      await using store = open({ historyChanges: 50 });
      for (let i = 0; i < 40; i++) await store.commit(writeOnly(...Array.from({ length: 30 }, (_, j) => put(`k/${j}`, i))));
      await store.commit(writeOnly(remove("k/0")));
      await store.compact(store.revision);
    }
    const database = new DatabaseSync(path);
    assert.equal(database.prepare("SELECT count(*) AS rows FROM changes").get()?.rows, 29);
    database.close();
  });

  it("finishes a compaction that was interrupted at any row", async () => {
    {
      await using store = open();
      await store.commit(writeOnly(put("a", 1), put("b", 1)));
      await store.commit(writeOnly(put("a", 2)));
      await store.commit(writeOnly(remove("a"), remove("b")));
      await store.commit(writeOnly(put("b", 2), put("c", 1)));
    }
    const inOrder = [
      "UPDATE compacted SET revision = 4",
      "DELETE FROM changes WHERE revision = 1 AND key = 'a'",
      "DELETE FROM changes WHERE revision = 2 AND key = 'a'",
      "DELETE FROM changes WHERE revision = 3 AND key = 'a'",
      "DELETE FROM changes WHERE revision = 1 AND key = 'b'",
    ];
    const whole = readFileSync(path);
    for (let done = 1; done <= inOrder.length; done++) {
      writeFileSync(path, whole);
      tamper(inOrder.slice(0, done).join(";"));
      {
        await using store = open();
        assert.equal(store.revision, 4);
        assert.deepEqual(
          store.list("").entries.map(({ key, value }) => [key, value]),
          [
            ["b", 2],
            ["c", 1],
          ],
        );
        await store.commit(writeOnly(put("d", 1)));
      }
      const database = new DatabaseSync(path);
      const keys = database.prepare("SELECT key FROM changes ORDER BY key").all();
      database.close();
      assert.deepEqual(
        keys.map((row) => row.key),
        ["b", "c", "d"],
      );
    }
  });
});

function moduleOf(path: string): string {
  return new URL(`../../../${path}`, import.meta.url).href;
}
