import assert from "node:assert/strict";
import {
  type ContainerReading,
  type Counts,
  type Measured,
  measure,
  type NodeReading,
} from "../../../node-agent/metrics/measurement.ts";

const mib = 2 ** 20;

function container(run: string, cpuSeconds: number, more: Partial<ContainerReading> = {}): ContainerReading {
  return { name: "main", run, cpuSeconds, workingSetBytes: 10 * mib, ageMs: 3_600_000, ...more };
}

interface At {
  readonly agent?: number;
  readonly containers?: readonly ContainerReading[];
}

/** One pod, read every five seconds. */
function measured(...readings: readonly At[]): Measured["measurement"][] {
  let counts: Counts | undefined;
  return readings.map(({ agent = 0, containers = [] }, i) => {
    const reading: NodeReading = {
      ...{ nodeName: "node-1", atMs: 1_000 + i * 5_000, timestamp: `2026-01-01T00:00:0${i * 5}Z` },
      agent: { cpuSeconds: agent, workingSetBytes: 80 * mib },
      pods: [{ namespace: "default", name: "web", uid: "u1", network: { rxBytes: 1, txBytes: 2 }, containers }],
    };
    const next = measure(counts, reading);
    counts = next.counts;
    return next.measurement;
  });
}

function podOf(measurement: NonNullable<Measured["measurement"]> | undefined) {
  return measurement?.pods[0];
}

/** `NAME MILLICORES over WINDOW`, by container. */
function ratesOf(measurement: NonNullable<Measured["measurement"]> | undefined): string[] | undefined {
  const pod = podOf(measurement);
  return pod?.containers.map(({ name, usage }) => `${name} ${(usage?.usageNanoCores ?? 0) / 1e6} over ${pod.windowMs}`);
}

describe("a measurement", () => {
  it("needs two readings, and says all that one asks of it", () => {
    const [first, second] = measured(
      { agent: 1, containers: [container("r1", 100)] },
      { agent: 1.5, containers: [container("r1", 105)] },
    );
    assert.equal(first, undefined);
    const timestamp = "2026-01-01T00:00:05Z";
    const node = { usageNanoCores: 1.1e9, usageCoreSeconds: 6.5, workingSetBytes: 90 * mib };
    assert.deepEqual(second, {
      node: { name: "node-1", timestamp, windowMs: 5_000, usage: node },
      pods: [
        {
          ...{ namespace: "default", name: "web", uid: "u1", timestamp, windowMs: 5_000 },
          containers: [{ name: "main", usage: { usageNanoCores: 1e9, usageCoreSeconds: 105, workingSetBytes: 10 * mib } }],
          network: { rxBytes: 1, txBytes: 2 },
        },
      ],
    });
  });

  const cases: readonly { sentence: string; readings: readonly At[]; want: readonly (string[] | undefined)[] }[] = [
    {
      sentence: "begins at the start of a container that is young",
      readings: [{}, { containers: [container("r1", 1, { ageMs: 2_000 })] }, { containers: [container("r1", 6)] }],
      want: [undefined, ["main 500 over 2000"], ["main 1000 over 5000"]],
    },
    {
      sentence: "leaves out a pod that is too young to tell",
      readings: [
        {},
        { containers: [container("r1", 0.5, { ageMs: 300 })] },
        { containers: [container("r1", 3, { ageMs: 5_300 })] },
      ],
      want: [undefined, undefined, ["main 500 over 5000"]],
    },
    {
      sentence: "waits for a second reading of what an earlier agent started",
      readings: [{}, { containers: [container("r1", 9_000)] }, { containers: [container("r1", 9_001)] }],
      want: [undefined, undefined, ["main 200 over 5000"]],
    },
    {
      sentence: "counts a container anew when it starts again",
      readings: [
        { containers: [container("r1", 50)] },
        { containers: [container("r2", 1, { ageMs: 4_000 })] },
        { containers: [container("r2", 2)] },
      ],
      want: [undefined, ["main 250 over 4000"], ["main 200 over 5000"]],
    },
    {
      sentence: "leaves out a pod while one of its containers has no rate",
      readings: [
        { containers: [container("r1", 0)] },
        { containers: [container("r1", 5), container("r2", 0.1, { name: "side", ageMs: 300 })] },
        { containers: [container("r1", 5), container("r2", 0.6, { name: "side" })] },
      ],
      want: [undefined, undefined, ["main 0 over 5000", "side 100 over 5000"]],
    },
    {
      sentence: "leaves out a pod of which nothing runs",
      readings: [{ containers: [container("r1", 0)] }, {}],
      want: [undefined, undefined],
    },
  ];
  for (const { sentence, readings, want } of cases) {
    it(sentence, () => assert.deepEqual(measured(...readings).map(ratesOf), want));
  }

  it("of the node never goes back, and has nothing of before its agent", () => {
    const found = measured(
      { agent: 0.1, containers: [container("r1", 9_000)] },
      { agent: 0.2, containers: [container("r1", 9_002)] },
      { agent: 0.3 },
      { agent: 0.4, containers: [container("r2", 1, { ageMs: 4_000 })] },
    );
    const seconds = found.map((one) => one?.node?.usage?.usageCoreSeconds.toFixed(2));
    assert.deepEqual(seconds, [undefined, "2.20", "2.30", "3.40"]);
  });
});
