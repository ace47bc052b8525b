/* Hands each commit's changes to everybody who watches. The commit never waits for a reader: what a reader has not taken yet
 * waits in its own bounded queue, and a reader that falls behind the bound is cut, with an error that tells it to list again. */

import { AppError } from "#core/errors.ts";
import type { History } from "./history.ts";
import { keyOfChange, type WatchBatch, type WatchOptions } from "./store.ts";

/** A single larger commit passes where the queue is empty: a reader that keeps up is never cut. */
export const queuedChangesMax = 1_024;
/** How many changes of the past a reader gets at once, give or take a commit. */
const replayChangesMax = 512;

export interface Watchers {
  publish(batches: readonly WatchBatch[]): void;
  /** Ends every watch with `error`, those that begin later too. */
  fail(error: Error): void;
  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch>;
}

interface Watcher {
  readonly prefix: string;
  /** Of the past, taken when the watch began; bounded as the history is. */
  replay: WatchBatch[];
  live: WatchBatch[];
  liveChangeCount: number;
  failure: Error | undefined;
  wake: () => void;
}

export function createWatchers(history: History): Watchers {
  const watchers = new Set<Watcher>();
  let failure: Error | undefined;

  return {
    publish(batches) {
      for (const watcher of watchers) {
        for (const batch of batches) offer(watcher, batch);
      }
    },
    fail(error) {
      failure ??= error;
      for (const watcher of watchers) end(watcher, failure);
    },
    async *watch(prefix, { since, signal }) {
      if (signal.aborted) return;
      if (failure !== undefined) throw failure;
      const replay = history.after(since).flatMap((batch) => withPrefix(batch, prefix));
      const watcher: Watcher = { prefix, replay, live: [], liveChangeCount: 0, failure: undefined, wake() {} };
      const abort = () => watcher.wake();
      signal.addEventListener("abort", abort);
      watchers.add(watcher);
      try {
        while (!signal.aborted) {
          if (watcher.failure !== undefined) throw watcher.failure;
          const batch = take(watcher, history.revision);
          if (batch !== undefined) yield batch;
          else await woken(watcher);
        }
      } finally {
        watchers.delete(watcher);
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

function offer(watcher: Watcher, whole: WatchBatch): void {
  if (watcher.failure !== undefined) return;
  for (const batch of withPrefix(whole, watcher.prefix)) {
    const count = watcher.liveChangeCount + batch.changes.length;
    if (watcher.live.length > 0 && count > queuedChangesMax) {
      const message = `the reader of "${watcher.prefix}" fell more than ${queuedChangesMax} changes behind: list again`;
      end(watcher, new AppError("exhausted", message));
      return;
    }
    watcher.live.push(batch);
    watcher.liveChangeCount = count;
    watcher.wake();
  }
}

function woken(watcher: Watcher): Promise<void> {
  return new Promise((resolve) => {
    watcher.wake = resolve;
  });
}

function end(watcher: Watcher, error: Error): void {
  watcher.failure ??= error;
  watcher.replay = [];
  watcher.live = [];
  watcher.wake();
}

/** What waits, in one batch: a slice of the past, or everything up to `revision`, the newest. */
function take(watcher: Watcher, revision: number): WatchBatch | undefined {
  if (watcher.replay.length > 0) {
    let count = 0;
    const after = watcher.replay.findIndex((batch) => {
      count += batch.changes.length;
      return count >= replayChangesMax;
    });
    return joined(watcher.replay.splice(0, after < 0 ? watcher.replay.length : after + 1));
  }
  if (watcher.live.length === 0) return undefined;
  const batch = joined(watcher.live);
  watcher.live = [];
  watcher.liveChangeCount = 0;
  return { ...batch, revision };
}

function joined(batches: readonly WatchBatch[]): WatchBatch {
  return { revision: batches.at(-1)?.revision ?? 0, changes: batches.flatMap((batch) => batch.changes) };
}

/** The batch without what the watcher did not ask for; none where nothing is left. */
function withPrefix(batch: WatchBatch, prefix: string): WatchBatch[] {
  const changes = batch.changes.filter((change) => keyOfChange(change).startsWith(prefix));
  return changes.length === 0 ? [] : [{ revision: batch.revision, changes }];
}
