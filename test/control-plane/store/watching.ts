/* How tests read watches and write commits. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Commit, WatchBatch, Write } from "../../../control-plane/store/store.ts";

export function put(key: string, value: unknown): Write {
  return { type: "put", key, value };
}

export function remove(key: string): Write {
  return { type: "delete", key };
}

export function writeOnly(...writes: Write[]): Commit {
  return { checks: [], writes };
}

/** The first batches that hold `changeCount` changes together; fewer where the watch ends. */
export async function collect(watch: AsyncIterable<WatchBatch>, changeCount: number): Promise<WatchBatch[]> {
  const batches: WatchBatch[] = [];
  if (changeCount <= 0) return batches;
  for await (const batch of watch) {
    batches.push(batch);
    if (countChanges(batches) >= changeCount) break;
  }
  return batches;
}

export interface Follower {
  /** Grows as the watch goes on. */
  readonly batches: readonly WatchBatch[];
  /** Resolves when the watch ends, and rejects when it fails. */
  readonly ended: Promise<void>;
}

/** Reads all the time. */
export function follow(watch: AsyncIterable<WatchBatch>): Follower {
  const batches: WatchBatch[] = [];
  const read = async () => {
    for await (const batch of watch) batches.push(batch);
  };
  const ended = read();
  ended.catch(() => {});
  return { batches, ended };
}

export function countChanges(batches: readonly WatchBatch[]): number {
  return batches.reduce((count, batch) => count + batch.changes.length, 0);
}

/** Polls until `condition` holds; throws, saying `what` did not happen, after 10 s. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`did not happen within 10 s: ${what}`);
    await sleep(1);
  }
}

/** Aborts when the test ends, so that no watch stays behind. */
export function stopAtEnd(): AbortController & Disposable {
  return Object.assign(new AbortController(), {
    [Symbol.dispose](this: AbortController) {
      this.abort();
    },
  });
}
