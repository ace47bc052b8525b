import { setTimeout as sleepFor } from "node:timers/promises";
import type { Clock } from "#core/clock.ts";

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    await sleepFor(ms, undefined, { signal });
  },
};
