/* A bounded queue between a producer that never waits and one consumer that iterates. */

import { AppError } from "./errors.ts";

export interface QueueOptions {
  readonly limit: number;
  /**
   * What happens to an item that comes when the queue is full: it is dropped and counted, or the whole queue fails, so
   * that its reader ends with an "exhausted" error (for readers that must not miss anything).
   */
  readonly whenFull: "drop-newest" | "fail";
}

export interface Queue<T> extends AsyncIterable<T> {
  /** False where the item was not taken: the queue was full or has ended. */
  offer(item: T): boolean;
  /** The reader gets what is queued, then the end, or the error. */
  end(error?: Error): void;
  /** The items that wait, at once; empties the queue. */
  drain(): T[];
  readonly size: number;
  readonly dropped: number;
}

export function createQueue<T>({ limit, whenFull }: QueueOptions, signal?: AbortSignal): Queue<T> {
  let items: T[] = [];
  let dropped = 0;
  let ended: { readonly error: Error | undefined } | undefined;
  let wake: (() => void) | undefined;

  const notify = () => {
    wake?.();
    wake = undefined;
  };
  const end = (error?: Error) => {
    ended ??= { error };
    notify();
  };
  const abort = () => {
    items = [];
    end();
  };
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });

  return {
    get size() {
      return items.length;
    },
    get dropped() {
      return dropped;
    },
    offer(item) {
      if (ended !== undefined) return false;
      if (items.length >= limit) {
        dropped += 1;
        if (whenFull === "fail") {
          items = [];
          end(new AppError("exhausted", `the reader fell ${limit} items behind`));
        }
        return false;
      }
      items.push(item);
      notify();
      return true;
    },
    end,
    drain() {
      const all = items;
      items = [];
      return all;
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const batch = items;
          items = [];
          for (const item of batch) {
            if (signal?.aborted) return;
            yield item;
          }
          if (items.length > 0) continue;
          if (ended !== undefined) {
            if (ended.error !== undefined) throw ended.error;
            return;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        signal?.removeEventListener("abort", abort);
        end();
      }
    },
  };
}
