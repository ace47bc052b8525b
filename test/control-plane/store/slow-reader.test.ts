import assert from "node:assert/strict";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { queuedChangesMax } from "../../../control-plane/store/watchers.ts";
import { isAppError } from "../../../core/errors.ts";
import { collect, countChanges, put, remove, stopAtEnd, writeOnly } from "./watching.ts";

describe("a watch whose reader is slow", () => {
  it("is given everything at once while it is within the bound", async () => {
    await using store = openMemoryStore();
    using stop = stopAtEnd();
    const watch = store.watch("", { since: 0, signal: stop.signal })[Symbol.asyncIterator]();
    const first = watch.next();
    await store.commit(writeOnly(put("a", 0)));
    await first;
    for (let i = 1; i <= queuedChangesMax; i++) await store.commit(writeOnly(put("a", i)));
    const { value } = await watch.next();
    assert.equal(value.changes.length, queuedChangesMax);
    assert.equal(value.revision, queuedChangesMax + 1);
  });

  it("is cut past the bound, and no other is", async () => {
    await using store = openMemoryStore();
    using stop = stopAtEnd();
    const slow = store.watch("a", { since: 0, signal: stop.signal })[Symbol.asyncIterator]();
    const other = store.watch("b", { since: 0, signal: stop.signal })[Symbol.asyncIterator]();
    const first = [slow.next(), other.next()];
    await store.commit(writeOnly(put("a", 0), put("b", 0)));
    await Promise.all(first);
    for (let i = 0; i <= queuedChangesMax; i++) await store.commit(writeOnly(put("a", i)));
    await store.commit(writeOnly(remove("b")));
    await assert.rejects(slow.next(), (error) => isAppError(error, "exhausted") && /list again/.test(error.message));
    assert.equal((await other.next()).value.changes.length, 1);
  });

  it("is not cut by one commit larger than the bound", async () => {
    await using store = openMemoryStore();
    using stop = stopAtEnd();
    const seen = collect(store.watch("", { since: 0, signal: stop.signal }), 5_000);
    await store.commit(writeOnly(...Array.from({ length: 5_000 }, (_, i) => put(`k/${i}`, i))));
    assert.equal(countChanges(await seen), 5_000);
  });

  it("may replay more of the past than the bound, in pieces", async () => {
    await using store = openMemoryStore();
    using stop = stopAtEnd();
    for (let i = 0; i < 3_000; i++) await store.commit(writeOnly(put("a", i)));
    const batches = await collect(store.watch("", { since: 0, signal: stop.signal }), 3_000);
    assert.deepEqual(
      batches.map((batch) => batch.changes.length),
      [512, 512, 512, 512, 512, 440],
    );
  });
});
