import { equal } from "node:assert/strict";
import { createAwakeTime } from "#core/awake-time.ts";
import { type Clock, createManualClock } from "#core/clock.ts";

describe("the time in which a process runs", () => {
  it("is the clock's while it runs", async () => {
    const clock = createManualClock();
    const time = createAwakeTime(clock);
    const stop = new AbortController();
    const running = time.run(stop.signal);
    await clock.advance(60_000);
    equal(time.nowMs(), 60_000);
    stop.abort();
    await running;
  });

  for (const { what, gaps, ms } of [
    { what: "leaves a sleep out", gaps: [250, 3_600_000, 250], ms: 750 },
    { what: "counts a pause that a busy machine makes", gaps: [250, 900, 1_000], ms: 2_150 },
    { what: "leaves each of several sleeps out", gaps: [5_000, 5_000], ms: 500 },
  ]) {
    it(what, () => {
      let atMs = 1_000_000;
      const clock: Clock = {
        timerMs: (seconds) => seconds * 1000,
        wallMs: () => 0,
        monotonicMs: () => atMs,
        sleep: () => Promise.resolve(),
      };
      const time = createAwakeTime(clock);
      const startMs = time.nowMs();
      for (const gapMs of gaps) {
        atMs += gapMs;
        time.nowMs();
      }
      equal(time.nowMs() - startMs, ms);
    });
  }
});
