import assert from "node:assert/strict";
import { type CpuCount, countCpu, nanoCores } from "../../../node-agent/metrics/cpu-count.ts";

/** The counts of readings that are five seconds apart. */
function counts(...read: readonly number[]): CpuCount[] {
  const found: CpuCount[] = [];
  for (const [i, cpuSeconds] of read.entries()) found.push(countCpu(found.at(-1), { atMs: i * 5_000, cpuSeconds }));
  return found;
}

describe("a counter of processor time", () => {
  const cases: readonly { sentence: string; read: readonly number[]; seconds: readonly number[]; millis: readonly number[] }[] = [
    { sentence: "follows what is read", read: [7, 12, 12], seconds: [7, 12, 12], millis: [1_000, 0] },
    { sentence: "counts several cores", read: [0, 20], seconds: [0, 20], millis: [4_000] },
    { sentence: "stands while less is read", read: [100, 10, 5], seconds: [100, 100, 100], millis: [0, 0] },
    { sentence: "goes on from the lower reading", read: [100, 10, 15], seconds: [100, 100, 105], millis: [0, 1_000] },
  ];
  for (const { sentence, read, seconds, millis } of cases) {
    it(sentence, () => {
      const found = counts(...read);
      assert.deepEqual(
        found.map((count) => count.seconds),
        seconds,
      );
      const rates = found.slice(1).map((count, i) => nanoCores(found[i] as CpuCount, count));
      assert.deepEqual(
        rates,
        millis.map((milli) => milli * 1e6),
      );
    });
  }

  it("has no rate over less than 400 ms", () => {
    const before = countCpu(undefined, { atMs: 0, cpuSeconds: 0 });
    assert.equal(nanoCores(before, countCpu(before, { atMs: 399, cpuSeconds: 0.2 })), undefined);
    assert.equal(nanoCores(before, countCpu(before, { atMs: 400, cpuSeconds: 0.2 })), 5e8);
  });
});
