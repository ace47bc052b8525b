/* A store that is closed and opened again after each commit, behind the same face: what the file does not hold is lost. Watches
 * go on from where they were, as a client's would. */

import type { Store, WatchBatch, WatchOptions } from "../../../control-plane/store/store.ts";
import { isAppError } from "../../../core/errors.ts";

export function reopeningStore(open: () => Store): Store {
  let inner = open();
  let closed = false;
  let inFlight = 0;
  let reopening: Promise<void> | undefined;

  const reopen = async () => {
    await inner[Symbol.asyncDispose]();
    inner = open();
    reopening = undefined;
  };
  const operate = async <T>(call: (store: Store) => Promise<T>): Promise<T> => {
    if (reopening !== undefined) await reopening;
    inFlight += 1;
    try {
      return await call(inner);
    } finally {
      inFlight -= 1;
      if (inFlight === 0 && !closed) reopening ??= reopen();
      await reopening;
    }
  };
  async function* watch(prefix: string, { since, signal }: WatchOptions): AsyncGenerator<WatchBatch, void, undefined> {
    let reached = since;
    while (!signal.aborted) {
      try {
        for await (const batch of inner.watch(prefix, { since: reached, signal })) {
          reached = batch.revision;
          yield batch;
        }
      } catch (error) {
        if (closed || !isAppError(error, "unavailable")) throw error;
        await reopening;
      }
    }
  }

  return {
    get revision() {
      return inner.revision;
    },
    get: (key) => inner.get(key),
    list: (prefix) => inner.list(prefix),
    changesAfter: (since) => inner.changesAfter(since),
    commit: (commit) => operate((store) => store.commit(commit)),
    compact: (revision) => operate((store) => store.compact(revision)),
    watch,
    async [Symbol.asyncDispose]() {
      closed = true;
      await reopening;
      await inner[Symbol.asyncDispose]();
    },
  };
}
