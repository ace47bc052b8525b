/* The time in which this process ran. Where the machine slept, or somebody stopped the process, clocks jump: what others did not say
 * meanwhile is no fault of theirs. */

import type { Clock } from "./clock.ts";

const lookMs = 250;
/** A longer time without a look was no running. */
const gapMsMax = 1_000;

export interface AwakeTime {
  /** Milliseconds; never goes back. */
  nowMs(): number;
  /** Looks at the clock until the signal aborts; without it all time between two calls of `nowMs` counts as a sleep. */
  run(signal: AbortSignal): Promise<void>;
}

export function createAwakeTime(clock: Clock): AwakeTime {
  let lookedMs = clock.monotonicMs();
  let asleepMs = 0;
  const nowMs = () => {
    const beforeMs = lookedMs;
    lookedMs = clock.monotonicMs();
    if (lookedMs - beforeMs > gapMsMax) asleepMs += lookedMs - beforeMs - lookMs;
    return lookedMs - asleepMs;
  };
  return {
    nowMs,
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(lookMs, signal).catch(() => {});
        nowMs();
      }
    },
  };
}
