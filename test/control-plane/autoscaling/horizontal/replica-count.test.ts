/* Worked out by hand from the documentation's formula and rules: https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/ */

import assert from "node:assert/strict";
import fc from "fast-check";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { PodGroups } from "../../../../control-plane/autoscaling/horizontal/pod-groups.ts";
import {
  countByMean,
  countByShare,
  countByUtilization,
  countByValue,
} from "../../../../control-plane/autoscaling/horizontal/replica-count.ts";

const tolerance = { up: 0.1, down: 0.1 };
const podNamed = (name: string): Pod => podKind.fromJson({ metadata: { name } });

interface Facts {
  /** Thousandths of each that was measured. */
  readonly used: readonly number[];
  readonly unready?: number;
  readonly missing?: number;
}

function groupsOf({ used, unready = 0, missing = 0 }: Facts): PodGroups {
  const named = (count: number) => Array.from({ length: count }, (_, i) => podNamed(`other-${i}`));
  return {
    measured: new Map(used.map((milli, i) => [podNamed(`web-${i}`), { milli, atMs: 0, windowMs: 0 }])),
    unready: named(unready),
    missing: named(missing),
  };
}

const currentOf = ({ used, unready = 0, missing = 0 }: Facts) => used.length + unready + missing;

describe("how many pods a share of their requests asks for", () => {
  // Each requests 100 thousandths, and the target is 50 %.
  const cases: readonly (Facts & { readonly title: string; readonly want: number; readonly percent?: number })[] = [
    { title: "twice the target: twice as many", used: [100, 100], want: 4, percent: 100 },
    { title: "half the target: half as many", used: [25, 25, 25, 25], want: 2, percent: 25 },
    { title: "a fraction of a pod is a pod", used: [60, 60, 60], want: 4, percent: 60 },
    { title: "ten per cent above the target: nothing", used: [55, 55], want: 2, percent: 55 },
    { title: "a little more than that: another", used: [56, 56], want: 3, percent: 56 },
    { title: "ten per cent below it: nothing", used: [45, 45, 45], want: 3, percent: 45 },
    { title: "the mean counts, not each", used: [100, 0], want: 2, percent: 50 },
    // (100 + 100 + 0) / 300 = 66 %, and 66 / 50 × 3 = 3.96.
    { title: "up: one of which nothing is known counts as idle", used: [100, 100], missing: 1, want: 4, percent: 100 },
    // (80 + 0) / 200 = 40 %: with the missing one it would go down, so it stays.
    { title: "up: it turns no direction", used: [80], missing: 1, want: 2, percent: 80 },
    // (20 + 20 + 100) / 300 = 46 %: within ten per cent.
    { title: "down: one of which nothing is known counts as busy", used: [20, 20], missing: 1, want: 3, percent: 20 },
    // (10 + 10 + 10 + 100) / 400 = 32 %, and 32 / 50 × 4 = 2.56.
    { title: "down, if the others are idle enough", used: [10, 10, 10], missing: 1, want: 3, percent: 10 },
    // (100 + 0) / 200 = 50 %.
    { title: "up: one that isn't ready counts as idle", used: [100], unready: 1, want: 2, percent: 100 },
    { title: "down: one that isn't ready does not count", used: [20, 20], unready: 1, want: 1, percent: 20 },
  ];
  for (const { title, want, percent, ...facts } of cases) {
    it(title, () => {
      const counted = countByUtilization(
        { currentReplicas: currentOf(facts), tolerance, groups: groupsOf(facts) },
        { percent: 50, requestMilli: () => 100 },
      );
      assert.deepEqual([counted.replicas, counted.utilization], [want, percent]);
    });
  }

  it("is a share of what those request that were measured", () => {
    const groups = groupsOf({ used: [100, 100] });
    const requests = new Map([...groups.measured.keys()].map((pod, i) => [pod, i === 0 ? 100 : 300]));
    const target = { percent: 50, requestMilli: (pod: Pod) => requests.get(pod) ?? 0 };
    assert.equal(countByUtilization({ currentReplicas: 2, tolerance, groups }, target).utilization, 50);
  });
});

describe("how many pods an amount for each asks for", () => {
  const cases: readonly (Facts & { readonly title: string; readonly want: number })[] = [
    { title: "the same", used: [10_000, 10_000], want: 2 },
    { title: "three times as much", used: [30_000, 30_000], want: 6 },
    { title: "nothing at all", used: [0, 0, 0], want: 0 },
    { title: "down: one of which nothing is known counts as at the target", used: [1_000, 1_000], missing: 1, want: 2 },
    { title: "up: it counts as idle", used: [40_000], missing: 1, want: 4 },
  ];
  for (const { title, want, ...facts } of cases) {
    it(title, () => {
      const input = { currentReplicas: currentOf(facts), tolerance, groups: groupsOf(facts) };
      assert.equal(countByMean(input, 10_000).replicas, want);
    });
  }

  it("never goes the other way for want of knowledge, and never past what is known", () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 50_000 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(amounts, fc.nat({ max: 3 }), fc.nat({ max: 3 }), (used, unready, missing) => {
        const facts = { used, unready, missing };
        const current = currentOf(facts);
        const { replicas } = countByMean({ currentReplicas: current, tolerance, groups: groupsOf(facts) }, 10_000);
        const mean = used.reduce((a, b) => a + b, 0) / used.length;
        if (mean >= 10_000) assert.ok(replicas >= Math.min(current, used.length), `${replicas} of ${current}`);
        if (mean < 10_000) assert.ok(replicas <= current, `${replicas} of ${current}`);
      }),
    );
  });
});

describe("how many pods one object's value asks for", () => {
  const of = (currentReplicas: number, readyCount = currentReplicas) => ({ currentReplicas, readyCount, tolerance });
  it("as many times as its target", () => assert.equal(countByValue(of(3), 20_000, 10_000), 6));
  it("of those that are ready", () => assert.equal(countByValue(of(3, 2), 20_000, 10_000), 4));
  it("nothing within the tolerance", () => assert.equal(countByValue(of(3), 10_900, 10_000), 3));
  it("from nothing on", () => assert.equal(countByValue(of(0), 25_000, 10_000), 3));
  it("as a share for each pod", () => assert.equal(countByShare(of(2), 45_000, 10_000), 5));
  it("as a share within the tolerance", () => assert.equal(countByShare(of(5), 46_000, 10_000), 5));
});
