import assert from "node:assert/strict";
import fc from "fast-check";
import { createManualClock } from "#core/clock.ts";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";
import type { Pod, PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { budgetStatus, type Scale } from "../../../control-plane/disruption/budget.ts";
import { afterEviction } from "../../../control-plane/server/evict.ts";
import { ownedBy, runningPod } from "../../support/workload-objects.ts";

const now = "2026-01-01T00:00:00Z";
const clock = createManualClock(Date.parse(now));

function budgetOf(spec: object, status: object = {}): PodDisruptionBudget {
  return podDisruptionBudgetKind.fromJson({
    metadata: { name: "web", namespace: "default", generation: 1 },
    spec: { selector: {}, ...spec },
    status: { observedGeneration: 1, ...status },
  });
}

const ready = (name: string, owner = "set"): Pod => ownedBy(runningPod(name), owner);
const unready = (name: string, owner = "set"): Pod => ownedBy(runningPod(name, { ready: false }), owner);

/** A controller whose uid is "set" wants three, one whose uid is "big" ten; of others nothing is known. */
const scaleOf = ({ uid = "" }: { readonly uid?: string | undefined }): Scale => {
  const replicas = { set: 3, big: 10 }[uid];
  return replicas === undefined ? { unknown: `no scale of ${uid}` } : { controller: uid, replicas };
};

describe("what a disruption budget allows", () => {
  const three = [ready("a"), ready("b"), ready("c")];
  interface Case {
    readonly title: string;
    readonly spec: object;
    readonly pods: readonly Pod[];
    /** expected, healthy, desired, allowed */
    readonly want: readonly number[];
    readonly status?: object;
  }
  const cases: readonly Case[] = [
    { title: "counts the pods that there are for a number", spec: { minAvailable: 2 }, pods: three, want: [3, 3, 2, 1] },
    { title: "allows nothing below it", spec: { minAvailable: 3 }, pods: [ready("a"), unready("b")], want: [2, 1, 3, 0] },
    { title: "counts what controllers want for a share", spec: { minAvailable: "50%" }, pods: three, want: [3, 3, 2, 1] },
    { title: "rounds the missing ones up", spec: { maxUnavailable: "34%" }, pods: three, want: [3, 3, 1, 2] },
    {
      title: "counts pods that aren't made yet as missing",
      spec: { maxUnavailable: 1 },
      pods: three.slice(0, 2),
      want: [3, 2, 2, 0],
    },
    { title: "never wants less than none", spec: { maxUnavailable: 7 }, pods: three, want: [3, 3, 0, 3] },
    {
      title: "adds up several controllers, each once",
      spec: { maxUnavailable: 1 },
      pods: [...three, ready("d", "big"), ready("e", "big")],
      want: [13, 5, 12, 0],
    },
    {
      title: "leaves out pods without a controller where it counts controllers",
      spec: { maxUnavailable: 1 },
      pods: [...three, runningPod("alone")],
      want: [3, 4, 2, 2],
    },
    {
      title: "takes pods that end for gone",
      spec: { minAvailable: 1 },
      pods: [ready("a"), ownedBy(runningPod("b", { deleted: true }), "set")],
      want: [2, 1, 1, 0],
    },
    {
      title: "takes pods whose eviction has just begun for gone",
      spec: { minAvailable: 1 },
      pods: three,
      status: { disruptedPods: { a: now } },
      want: [3, 2, 1, 1],
    },
    {
      title: "forgets evictions that never came to be",
      spec: { minAvailable: 1 },
      pods: three,
      status: { disruptedPods: { a: "2025-12-31T23:58:00Z", gone: now } },
      want: [3, 3, 1, 2],
    },
    { title: "allows nothing where it says nothing", spec: {}, pods: three, want: [0, 3, 0, 0] },
    { title: "allows nothing where there are no pods", spec: { minAvailable: 0 }, pods: [], want: [0, 0, 0, 0] },
  ];
  for (const { title, spec, pods, status = {}, want } of cases) {
    it(title, () => {
      const said = budgetStatus({ budget: budgetOf(spec, status), pods, scaleOf, clock });
      assert.deepEqual([said.expectedPods, said.currentHealthy, said.desiredHealthy, said.disruptionsAllowed], want);
      assert.equal(said.conditions[0]?.reason, want[3] === 0 ? "InsufficientPods" : "SufficientPods");
    });
  }

  it("allows nothing where a controller's number can't be known, and says why", () => {
    const pods = [ready("a"), ready("b", "job")];
    const said = budgetStatus({ budget: budgetOf({ maxUnavailable: 1 }), pods, scaleOf, clock });
    assert.equal(said.disruptionsAllowed, 0);
    assert.deepEqual(
      said.conditions.map(({ status, reason, message }) => [status, reason, message]),
      [["False", "SyncFailed", "no scale of job"]],
    );
  });
});

describe("an eviction", () => {
  const pod = ready("a");
  const spent = (status: object, spec: object = {}, evicted = pod) => afterEviction(budgetOf(spec, status), evicted, now);

  it("uses one up, and says of which pod", () => {
    const next = spent({ disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2 })?.status;
    assert.equal(next?.disruptionsAllowed, 0);
    assert.deepEqual(next?.disruptedPods, { a: now });
    assert.equal(next?.conditions[0]?.reason, "InsufficientPods");
  });

  const prefix = "Cannot evict pod as it would violate the pod's disruption budget.";
  it("is refused where none is left", () => {
    assert.throws(() => spent({ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }), {
      kind: "exhausted",
      reason: "TooManyRequests",
      message: `${prefix} The disruption budget web needs 2 healthy pods and has 2 currently`,
    });
  });
  it("waits for a budget that nobody has looked at", () => {
    assert.throws(() => spent({ observedGeneration: 0, disruptionsAllowed: 5 }), {
      kind: "exhausted",
      message: `${prefix} The disruption budget web is still being processed by the server.`,
    });
  });
  it("costs nothing for a pod that isn't Ready where enough others are", () => {
    assert.equal(spent({ disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2 }, {}, unready("a")), undefined);
    assert.throws(() => spent({ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }, {}, unready("a")));
  });
  it("costs nothing for any pod that isn't Ready where the budget says so", () => {
    const policy = { unhealthyPodEvictionPolicy: "AlwaysAllow" };
    assert.equal(spent({ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }, policy, unready("a")), undefined);
    assert.throws(() => spent({ disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 2 }, policy));
  });

  it("never leaves fewer healthy pods than the budget wants, however many are tried", () => {
    const minimum = fc.oneof(
      fc.nat(12),
      fc.nat(100).map((share) => `${share}%`),
    );
    const health = fc.array(fc.boolean(), { maxLength: 10 });
    fc.assert(
      fc.property(minimum, fc.boolean(), health, (value, isMinimum, healths) => {
        let pods = healths.map((isHealthy, i) => (isHealthy ? ready(`p${i}`, "big") : unready(`p${i}`, "big")));
        const spec = isMinimum ? { minAvailable: value } : { maxUnavailable: value };
        let budget = budgetOf(spec);
        const look = () => {
          budget = { ...budget, status: budgetStatus({ budget, pods, scaleOf, clock }) };
        };
        look();
        for (const evicted of healths.map((_, i) => `p${i}`)) {
          const victim = pods.find(({ metadata }) => metadata?.name === evicted);
          if (victim === undefined) continue;
          const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
          try {
            budget = afterEviction(budget, victim, now) ?? budget;
          } catch {
            continue;
          }
          pods = pods.filter((one) => one !== victim);
          const wasHealthy = healths[Number(evicted.slice(1))] === true;
          assert.ok(!wasHealthy || currentHealthy > desiredHealthy, `${currentHealthy} of ${desiredHealthy}`);
          look();
        }
      }),
    );
  });
});
