import assert from "node:assert/strict";
import fc from "fast-check";
import { isAppError } from "#core/errors.ts";
import { createQueue } from "#core/queue.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("a queue", () => {
  it("gives what was offered, in order, then the end", async () => {
    const queue = createQueue<number>({ limit: 10, whenFull: "drop-newest" });
    assert.ok(queue.offer(1));
    const reading = collect(queue);
    assert.ok(queue.offer(2));
    await Promise.resolve();
    assert.ok(queue.offer(3));
    queue.end();
    assert.deepEqual(await reading, [1, 2, 3]);
    assert.equal(queue.offer(4), false);
  });

  it("drops the newest when it is full, and counts it", async () => {
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" });
    assert.deepEqual(
      [1, 2, 3, 4].map((item) => queue.offer(item)),
      [true, true, false, false],
    );
    assert.deepEqual([queue.size, queue.dropped], [2, 2]);
    queue.end();
    assert.deepEqual(await collect(queue), [1, 2]);
  });

  it("fails its reader when it is full, where the reader must miss nothing", async () => {
    const queue = createQueue<number>({ limit: 1, whenFull: "fail" });
    queue.offer(1);
    assert.equal(queue.offer(2), false);
    assert.deepEqual([queue.size, queue.dropped], [0, 1]);
    await assert.rejects(collect(queue), (error) => isAppError(error, "exhausted"));
  });

  it("ends with the error that it was given, after what waits", async () => {
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" });
    queue.offer(1);
    queue.end(new Error("gone"));
    queue.end();
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const item of queue) seen.push(item);
    }, /gone/);
    assert.deepEqual(seen, [1]);
  });

  it("wakes a reader that waits when its signal aborts", async () => {
    const stop = new AbortController();
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" }, stop.signal);
    const reading = collect(queue);
    stop.abort();
    assert.deepEqual(await reading, []);
    assert.equal(queue.offer(1), false);
  });

  it("gives nothing more once its signal aborted, not even what a reader had taken already", async () => {
    const stop = new AbortController();
    const queue = createQueue<number>({ limit: 4, whenFull: "drop-newest" }, stop.signal);
    for (const item of [1, 2, 3]) queue.offer(item);
    const seen: number[] = [];
    for await (const item of queue) {
      seen.push(item);
      stop.abort();
    }
    assert.deepEqual(seen, [1]);
  });

  it("is over from the start with a signal that aborted before", async () => {
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" }, AbortSignal.abort());
    assert.equal(queue.offer(1), false);
    assert.deepEqual(await collect(queue), []);
  });

  it("takes nothing more once its reader left", async () => {
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" });
    queue.offer(1);
    for await (const _ of queue) break;
    assert.equal(queue.offer(2), false);
  });

  it("can be emptied at once", () => {
    const queue = createQueue<number>({ limit: 2, whenFull: "drop-newest" });
    queue.offer(1);
    queue.offer(2);
    assert.deepEqual(queue.drain(), [1, 2]);
    assert.deepEqual([queue.size, queue.dropped], [0, 0]);
    assert.ok(queue.offer(3));
  });

  it("loses nothing that it took and never holds more than its limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(3), { maxLength: 30 }), async (limit, pauses) => {
        const queue = createQueue<number>({ limit, whenFull: "drop-newest" });
        const reading = collect(queue);
        const taken: number[] = [];
        for (const [item, turns] of pauses.entries()) {
          if (queue.offer(item)) taken.push(item);
          assert.ok(queue.size <= limit);
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        }
        queue.end();
        assert.deepEqual(await reading, taken);
        assert.equal(queue.dropped, pauses.length - taken.length);
      }),
    );
  });
});
