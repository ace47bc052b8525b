import assert from "node:assert/strict";
import fc from "fast-check";
import { createManualClock, createScaledClock, formatTimestamp, timestamp } from "#core/clock.ts";

const never = new AbortController().signal;

describe("timestamps", () => {
  it("are RFC 3339 in whole seconds", () => {
    assert.equal(formatTimestamp(0), "1970-01-01T00:00:00Z");
    assert.equal(formatTimestamp(1_767_225_599_999), "2025-12-31T23:59:59Z");
    assert.equal(timestamp(createManualClock(1_000)), "1970-01-01T00:00:01Z");
  });
});

describe("a manual clock", () => {
  it("moves only when it is told to", async () => {
    const clock = createManualClock(5_000);
    assert.deepEqual([clock.wallMs(), clock.monotonicMs()], [5_000, 0]);
    await clock.advance(250);
    assert.deepEqual([clock.wallMs(), clock.monotonicMs()], [5_250, 250]);
  });

  it("wakes sleepers in the order of their deadlines, at their own times", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(50), { maxLength: 8 }),
        fc.array(fc.nat(30), { maxLength: 6 }),
        async (sleeps, advances) => {
          const clock = createManualClock();
          const woken: { ms: number; atMs: number }[] = [];
          for (const ms of sleeps) void clock.sleep(ms, never).then(() => woken.push({ ms, atMs: clock.monotonicMs() }));
          for (const ms of advances) await clock.advance(ms);
          const passedMs = advances.reduce((sum, ms) => sum + ms, 0);
          const due = advances.length === 0 ? [] : sleeps.filter((ms) => ms <= passedMs).sort((a, b) => a - b);
          assert.deepEqual(
            woken,
            due.map((ms) => ({ ms, atMs: ms })),
          );
        },
      ),
    );
  });

  it("lets one who wakes sleep again within the same advance", async () => {
    const clock = createManualClock();
    const beats: number[] = [];
    const heart = async () => {
      for (let beat = 0; beat < 5; beat++) {
        await clock.sleep(100, never);
        beats.push(clock.monotonicMs());
      }
    };
    const beating = heart();
    await clock.advance(350);
    assert.deepEqual(beats, [100, 200, 300]);
    await clock.advance(150);
    await beating;
    assert.deepEqual(beats, [100, 200, 300, 400, 500]);
  });

  it("ends a sleep with the signal's reason, before or while it lasts", async () => {
    const clock = createManualClock();
    const reason = new Error("enough");
    await assert.rejects(clock.sleep(10, AbortSignal.abort(reason)), reason);
    const stop = new AbortController();
    const sleeping = clock.sleep(10, stop.signal);
    stop.abort(reason);
    await assert.rejects(sleeping, reason);
    await clock.advance(20);
  });
});

describe("a scaled clock", () => {
  it("makes declared times short, and leaves the time of day and waits as they are", async () => {
    const clock = createManualClock(1_000);
    const scaled = createScaledClock(clock, 20);
    assert.equal(scaled.timerMs(300), 15_000);
    const slept = scaled.sleep(100, new AbortController().signal);
    await clock.advance(100);
    await slept;
    assert.deepEqual([scaled.wallMs(), scaled.monotonicMs()], [1_100, 100]);
  });
});
