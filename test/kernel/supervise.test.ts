import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createManualClock } from "#core/clock.ts";
import { createRng } from "#core/rng.ts";
import { type Service, supervise } from "#kernel/supervise.ts";
import { createLog } from "#process/log.ts";
import { temporaryFolder } from "../node-agent/temporary-folder.ts";
import { until } from "../support/until.ts";

function setUp(folder: string, script: string) {
  const controller = new AbortController();
  const clock = createManualClock();
  const logPath = join(folder, "log");
  const service: Service = { name: "test", argv: ["/bin/sh", "-c", script], env: { WHO: "me" }, logPath };
  const log = createLog({ level: "silent", name: "test" });
  const supervised = supervise(service, { clock, rng: createRng(1), log, signal: controller.signal });
  const lines = () => {
    try {
      return readFileSync(logPath, "utf8").split("\n").filter(Boolean);
    } catch {
      return [];
    }
  };
  return { clock, lines, ...supervised, stop: () => controller.abort() };
}

describe("a supervised program", () => {
  it("starts again when it ends: twice at once, then later and later", async () => {
    using folder = temporaryFolder();
    const { clock, lines, ended, stop } = setUp(folder.path, "echo run by $WHO; exit 1");
    await clock.advance(0);
    await until(async () => {
      await clock.advance(0);
      return lines().length === 2;
    }, "the second run");
    const startsMs: number[] = [];
    for (let runs = 3; runs <= 6; runs++) {
      const sinceMs = clock.monotonicMs();
      await until(async () => {
        if (lines().length >= runs) return true;
        if (clock.monotonicMs() - sinceMs < 6_000) await clock.advance(5);
        return false;
      }, `run ${runs}`);
      startsMs.push(clock.monotonicMs() - sinceMs);
    }
    for (const [i, ceilingMs] of [50, 100, 200, 400].entries()) {
      assert.ok((startsMs[i] ?? 0) >= ceilingMs / 2 - 5, `waits of ${startsMs} ms`);
    }
    assert.equal(lines()[0], "run by me");
    stop();
    await ended;
  });

  it("gets TERM when it is to stop, and doesn't start again", async () => {
    using folder = temporaryFolder();
    const { lines, ended, stop } = setUp(folder.path, 'trap "echo asked; exit 0" TERM; echo up; while :; do sleep 0.02; done');
    await until(() => lines().includes("up"), "the program");
    stop();
    await ended;
    assert.deepEqual(lines(), ["up", "asked"]);
  });

  it("gets the signals that it is ended with, one after the other, and doesn't start again", async () => {
    using folder = temporaryFolder();
    const script = 'trap "echo power" PWR; trap "echo asked; exit 0" TERM; echo up; while :; do sleep 0.02; done';
    const { lines, ended, end } = setUp(folder.path, script);
    await until(() => lines().includes("up"), "the program");
    end("SIGPWR");
    await until(() => lines().includes("power"), "the first signal");
    end("SIGTERM");
    await ended;
    assert.deepEqual(lines(), ["up", "power", "asked"]);
  });

  it("runs on where it is ended without a signal, and doesn't start again", async () => {
    using folder = temporaryFolder();
    const { lines, ended, end } = setUp(folder.path, "echo up; sleep 0.2; echo over");
    await until(() => lines().includes("up"), "the program");
    end();
    await ended;
    assert.deepEqual(lines(), ["up", "over"]);
  });

  it("is tried again where it can't be started", async () => {
    using folder = temporaryFolder();
    const controller = new AbortController();
    const clock = createManualClock();
    const warned: number[] = [];
    const log = { warn: () => void warned.push(clock.monotonicMs()) } as never;
    const service: Service = { name: "missing", argv: ["/no/such/program"], env: {}, logPath: join(folder.path, "log") };
    const { ended } = supervise(service, { clock, rng: createRng(1), log, signal: controller.signal });
    await until(async () => {
      await clock.advance(50);
      return warned.length >= 4;
    }, "four tries");
    controller.abort();
    await ended;
  });
});
