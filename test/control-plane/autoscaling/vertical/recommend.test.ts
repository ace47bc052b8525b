import assert from "node:assert/strict";
import fc from "fast-check";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import { parseQuantity } from "#core/quantity.ts";
import type { ContainerRecommendation } from "#proto/podwire/v1/resources.ts";
import { recommend } from "../../../../control-plane/autoscaling/vertical/recommend.ts";
import {
  type ContainerUsage,
  type MemoryPeak,
  type UsageSample,
  withUsage,
} from "../../../../control-plane/autoscaling/vertical/usage.ts";

function autoscaler(containerPolicies: readonly object[] = []) {
  return verticalPodAutoscalerKind.fromJson({
    metadata: { name: "web", namespace: "default" },
    spec: { targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, resourcePolicy: { containerPolicies } },
  });
}

/** Of one pod. */
function usageOf(samples: readonly Partial<UsageSample>[]): ContainerUsage {
  let usage: ContainerUsage | undefined;
  let peak: MemoryPeak | undefined;
  for (const sample of samples) {
    ({ usage, peak } = withUsage(usage, peak, { cores: 0.001, requestedCores: 0, bytes: 1e6, atDays: 0, ...sample }));
  }
  return usage ?? assert.fail();
}

const overOneDay = (sample: Partial<UsageSample>) => usageOf([sample, { ...sample, atDays: 1 }]);

function recommendation(
  samples: ContainerUsage,
  policies: readonly object[] = [],
  containersPerPod = 1,
): ContainerRecommendation {
  const usage = new Map([["main", samples]]);
  const [found] = recommend({ autoscaler: autoscaler(policies), usage, containersPerPod }).containerRecommendations;
  return found ?? assert.fail("nothing is recommended");
}

describe("what a container is recommended", () => {
  // The end of the bucket and 15 % more, each rounded down: 10 + 1, 20 + 3, 31 + 4, 43 + 6.
  const cpu: readonly (readonly [cores: number, target: string])[] = [
    [0.015, "25m"],
    [0.025, "35m"],
    [0.04, "49m"],
    [0.05, "63m"],
  ];
  for (const [cores, target] of cpu) {
    it(`is ${target} of cpu where it uses ${cores} cores`, () => {
      assert.equal(recommendation(overOneDay({ cores })).target.cpu, target);
    });
  }

  it("is memory up to the end of the peak's bucket and 15 % more, in bytes", () => {
    // 1.05 ^ 17 is 2.2920183: the bucket ends at 258,403,663 bytes.
    assert.equal(recommendation(overOneDay({ bytes: 250e6 })).target.memory, "297164212");
  });

  it("is no less than 25m and 250 MiB of a pod, divided among its containers", () => {
    const least = { cpu: "25m", memory: "262144k" };
    assert.deepEqual(recommendation(overOneDay({})).target, least);
    assert.deepEqual(recommendation(overOneDay({}), [], 2).target, { cpu: "12m", memory: "131072k" });
    assert.deepEqual(recommendation(overOneDay({})).lowerBound, least);
  });

  it("has bounds that are wide at first and narrow with the days", () => {
    const used = { cores: 0.05 };
    assert.deepEqual(
      [recommendation(usageOf([used]))].map(({ lowerBound, upperBound }) => [lowerBound.cpu, upperBound.cpu, upperBound.memory]),
      [["25m", "100G", "100T"]],
    );
    // 63 × (1.001) ^ -2 and 63 × 2.
    const { lowerBound, upperBound } = recommendation(overOneDay(used));
    assert.deepEqual([lowerBound.cpu, upperBound.cpu], ["62m", "126m"]);
    // 63 × 1.1.
    const later = recommendation(usageOf([used, { ...used, atDays: 10 }]));
    assert.deepEqual([later.lowerBound.cpu, later.upperBound.cpu], ["62m", "69m"]);
  });

  it("follows a pod's greatest memory of each day, not its samples", () => {
    const hours = Array.from({ length: 24 }, (_, hour) => ({ bytes: hour === 12 ? 500e6 : 300e6, atDays: hour / 24 }));
    // 1.05 ^ 26 is 3.5556727: the bucket of 500 MB ends at 511,134,537 bytes.
    const { target, lowerBound } = recommendation(usageOf(hours));
    assert.equal(target.memory, "587804717");
    assert.ok(parseQuantity(lowerBound.memory ?? "0") > parseQuantity("580M"), "the day's other peaks are taken back");
  });

  it("counts samples of a greater request for more", () => {
    const before = Array.from({ length: 9 }, () => ({ cores: 0.025, requestedCores: 0.1 }));
    const after = { cores: 0.05, requestedCores: 1 };
    // 0.9 of the weight is before, 1 is after.
    assert.equal(recommendation(usageOf([...before, after])).target.cpu, "63m");
    assert.equal(recommendation(usageOf([...before, { ...after, requestedCores: 0.1 }])).target.cpu, "35m");
  });

  it("is within what its policy allows, but for uncappedTarget", () => {
    const bounds = { minAllowed: { cpu: "100m" }, maxAllowed: { memory: "200Mi" } };
    for (const containerName of ["main", "*"]) {
      const { target, lowerBound, upperBound, uncappedTarget } = recommendation(overOneDay({}), [{ containerName, ...bounds }]);
      const want = { cpu: "100m", memory: "200Mi" };
      assert.deepEqual([target, lowerBound, upperBound], [want, want, want]);
      assert.deepEqual(uncappedTarget, { cpu: "25m", memory: "262144k" });
    }
  });

  it("is by its own policy where * has another, and of what that controls", () => {
    const policies = [
      { containerName: "*", mode: "Off" },
      { containerName: "main", controlledResources: ["memory"] },
    ];
    const { target, uncappedTarget } = recommendation(overOneDay({}), policies);
    assert.deepEqual([target, uncappedTarget], [{ memory: "262144k" }, { memory: "262144k" }]);
  });

  it("is nothing where its policy is off", () => {
    const usage = new Map([
      ["main", overOneDay({})],
      ["side", overOneDay({})],
    ]);
    const off = autoscaler([{ containerName: "main", mode: "Off" }]);
    const { containerRecommendations } = recommend({ autoscaler: off, usage, containersPerPod: 2 });
    assert.deepEqual(
      containerRecommendations.map(({ containerName }) => containerName),
      ["side"],
    );
  });

  it("has its target between its bounds, and all within the policy", () => {
    const sample = fc.record({
      cores: fc.double({ min: 0, max: 100, noNaN: true }),
      requestedCores: fc.double({ min: 0, max: 8, noNaN: true }),
      bytes: fc.integer({ min: 0, max: 1e11 }),
      atDays: fc.double({ min: 0, max: 30, noNaN: true }),
    });
    const quantity = fc.integer({ min: 1, max: 50_000 });
    const bounds = fc.tuple(quantity, quantity).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 20 }), bounds, bounds, (samples, cpuBounds, memoryBounds) => {
        const inOrder = samples.sort((a, b) => a.atDays - b.atDays);
        const [minAllowed, maxAllowed] = ([0, 1] as const).map((i) => ({
          cpu: `${cpuBounds[i]}m`,
          memory: `${memoryBounds[i]}Mi`,
        }));
        for (const policies of [[], [{ containerName: "main", minAllowed, maxAllowed }]]) {
          const { lowerBound, target, upperBound } = recommendation(usageOf(inOrder), policies);
          for (const name of ["cpu", "memory"] as const) {
            const values = [lowerBound, target, upperBound].map((quantities) => parseQuantity(quantities[name] ?? "-1"));
            assert.deepEqual(
              values,
              [...values].sort((a, b) => (a < b ? -1 : 1)),
            );
            if (policies.length === 0) continue;
            const [min, max] = [parseQuantity(minAllowed?.[name] ?? ""), parseQuantity(maxAllowed?.[name] ?? "")];
            assert.ok(values.every((value) => min <= value && value <= max));
          }
        }
      }),
    );
  });
});
