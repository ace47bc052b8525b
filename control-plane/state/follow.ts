/* How everything in the control plane learns that the store changed: it is woken, reads what is there now, and acts. A wake-up
 * carries no data, so wake-ups that come while somebody is busy melt into one, and none that is lost does harm. */

import { setImmediate as turn } from "node:timers/promises";
import { backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import { keyOfChange, type Store, type StoreChange } from "../store/store.ts";

const pause = { firstMs: 50, maxMs: 5_000 } as const;

export interface Surroundings {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
}

export interface Loop {
  readonly name: string;
  /** Changes of keys that start with one of these wake the loop. */
  readonly prefixes: readonly string[];
  /** Which of these changes; all of them where it is absent. */
  readonly concerns?: (change: StoreChange) => boolean;
  /** Answers after how many milliseconds it wants to run without a change; undefined for never. */
  readonly run: (signal: AbortSignal) => Promise<number | undefined>;
}

/**
 * Runs the loop once, then after each change of its prefixes, until the signal aborts. A run that fails is tried again; only a
 * store that has stopped ends the loop with an error.
 */
export async function runLoop(surroundings: Surroundings, loop: Loop, signal: AbortSignal): Promise<void> {
  const { clock, rng, log } = surroundings;
  const wakeups = createWakeups();
  const stopped = new AbortController();
  const over = AbortSignal.any([signal, stopped.signal]);
  const following = followStore(surroundings.store, signal, (key, change) => {
    if (key === undefined || change === undefined) wakeups.wake();
    else if (loop.prefixes.some((prefix) => key.startsWith(prefix)) && loop.concerns?.(change) !== false) wakeups.wake();
  }).finally(() => stopped.abort());
  following.catch(() => {});
  let failureCount = 0;
  while (!over.aborted) {
    let delayMs: number | undefined;
    try {
      delayMs = await loop.run(signal);
      failureCount = 0;
    } catch (error) {
      if (over.aborted) break;
      // After a conflict there is nothing to tell: somebody else wrote first, and their change has woken this loop already.
      if (!isAppError(error, "conflict")) log.error({ err: error, loop: loop.name }, "controller failed; it tries again");
      delayMs = backoffMs(failureCount, pause, rng);
      failureCount += 1;
    }
    await wakeups.next(delayMs === undefined ? undefined : { clock, ms: delayMs }, over);
  }
  await following;
}

/**
 * Calls `changed` for every change until the signal aborts; without one where so much changed that nobody kept count.
 * Throws where the store has stopped.
 */
export async function followStore(
  store: Store,
  signal: AbortSignal,
  changed: (key: string | undefined, change?: StoreChange) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const batch of store.watch("", { since: store.revision, signal })) {
        for (const change of batch.changes) changed(keyOfChange(change), change);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isAppError(error, "exhausted", "too-old")) throw error;
      changed(undefined);
    }
  }
}

export interface Wakeups {
  wake(): void;
  /**
   * Resolves at the next wake-up (at once where one came since the last call), after the timeout, or when the signal aborts; in a turn of the
   * event loop of its own, so that all that was written in one turn is one wake-up.
   */
  next(timeout: { readonly clock: Clock; readonly ms: number } | undefined, signal: AbortSignal): Promise<void>;
}

export function createWakeups(): Wakeups {
  let pending = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      pending = true;
      resume?.();
    },
    async next(timeout, signal) {
      if (!pending && !signal.aborted) {
        const over = new AbortController();
        await new Promise<void>((resolve) => {
          resume = resolve;
          signal.addEventListener("abort", () => resolve(), { once: true, signal: over.signal });
          if (timeout !== undefined) timeout.clock.sleep(timeout.ms, over.signal).then(resolve, () => {});
        });
        resume = undefined;
        over.abort();
      }
      if (!signal.aborted) await turn();
      pending = false;
    },
  };
}
