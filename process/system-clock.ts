import { setTimeout as sleepFor } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  timerMs: (seconds) => seconds * 1000,
  async sleep(ms, signal) {
    await sleepFor(ms, undefined, { signal });
  },
};
