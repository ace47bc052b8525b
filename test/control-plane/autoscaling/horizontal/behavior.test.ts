/* Worked out by hand from the examples and rules of the documentation's "Configurable scaling behavior". */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  noPast,
  type PaceInput,
  pace,
  remember,
  type ScalingPast,
} from "../../../../control-plane/autoscaling/horizontal/behavior.ts";

const base = {
  behavior: undefined,
  past: noPast,
  min: 1,
  max: 100,
  nowMs: 1_000_000,
  timerMs: (seconds: number) => seconds * 1_000,
};
const decide = (input: Partial<PaceInput> & Pick<PaceInput, "current" | "wanted">) => {
  const { replicas, scalingLimited, ableToScale } = pace({ ...base, ...input });
  return [replicas, scalingLimited.reason, ableToScale.reason];
};
const ago = (seconds: number) => base.nowMs - seconds * 1_000;
const rules = (policies: readonly (readonly [type: string, value: number, periodSeconds: number])[], more: object = {}) => ({
  policies: policies.map(([type, value, periodSeconds]) => ({ type, value, periodSeconds })),
  ...more,
});

describe("the pace of an autoscaler", () => {
  it("by default: at once as far up as four pods", () =>
    assert.deepEqual(decide({ current: 2, wanted: 20 }), [6, "ScaleUpLimit", "ReadyForNewScale"]));
  it("by default: or twice as many, whatever is more", () =>
    assert.deepEqual(decide({ current: 10, wanted: 80 }), [20, "ScaleUpLimit", "ReadyForNewScale"]));
  it("what came in the last 15 s counts", () => {
    const past: ScalingPast = { ...noPast, ups: [{ count: 4, atMs: ago(10) }] };
    assert.deepEqual(decide({ current: 6, wanted: 20, past }), [6, "ScaleUpLimit", "ReadyForNewScale"]);
  });
  it("what came before does not", () => {
    const past: ScalingPast = { ...noPast, ups: [{ count: 4, atMs: ago(15) }] };
    assert.deepEqual(decide({ current: 6, wanted: 20, past }), [12, "ScaleUpLimit", "ReadyForNewScale"]);
  });
  it("never above the most", () =>
    assert.deepEqual(decide({ current: 8, wanted: 12, max: 10 }), [10, "TooManyReplicas", "ReadyForNewScale"]));
  it("never below the least", () =>
    assert.deepEqual(decide({ current: 8, wanted: 1, min: 3 }), [3, "TooFewReplicas", "ReadyForNewScale"]));
  it("down to the most that was wanted in 300 s", () => {
    const recommendations = [
      { replicas: 9, atMs: ago(301) },
      { replicas: 7, atMs: ago(299) },
      { replicas: 4, atMs: ago(10) },
    ];
    assert.deepEqual(decide({ current: 8, wanted: 2, past: { ...noPast, recommendations } }), [
      7,
      "DesiredWithinRange",
      "ScaleDownStabilized",
    ]);
  });
  it("up to the least that was wanted in a window of its own", () => {
    const past = { ...noPast, recommendations: [{ replicas: 3, atMs: ago(30) }] };
    const behavior = { scaleUp: rules([["Pods", 100, 60]], { stabilizationWindowSeconds: 60 }), scaleDown: undefined };
    assert.deepEqual(decide({ current: 2, wanted: 9, past, behavior }), [3, "DesiredWithinRange", "ScaleUpStabilized"]);
  });
  // The documentation's: "Pods" 4 in 60 s and "Percent" 10 in 60 s; from 80 pods on the second lets more go.
  const down = (policy?: string) => ({
    scaleUp: undefined,
    scaleDown: rules(
      [
        ["Pods", 4, 60],
        ["Percent", 10, 60],
      ],
      { stabilizationWindowSeconds: 0, ...(policy === undefined ? {} : { selectPolicy: policy }) },
    ),
  });
  it("down by the policy that lets the most go", () =>
    assert.deepEqual(decide({ current: 80, wanted: 10, behavior: down() }), [72, "ScaleDownLimit", "ReadyForNewScale"]));
  it("down by four from forty pods", () =>
    assert.deepEqual(decide({ current: 40, wanted: 10, behavior: down() }), [36, "ScaleDownLimit", "ReadyForNewScale"]));
  it("down by the policy that lets the least go, where Min says so", () =>
    assert.deepEqual(decide({ current: 80, wanted: 10, behavior: down("Min") }), [76, "ScaleDownLimit", "ReadyForNewScale"]));
  it("never down where it is disabled", () =>
    assert.deepEqual(decide({ current: 80, wanted: 10, behavior: down("Disabled") }), [
      80,
      "ScaleDownLimit",
      "ReadyForNewScale",
    ]));
  it("in compressed time the windows are shorter", () => {
    const past = { ...noPast, recommendations: [{ replicas: 7, atMs: ago(20) }] };
    assert.equal(decide({ current: 8, wanted: 2, past, timerMs: (seconds) => seconds * 50 })[0], 2);
  });

  it("stays within its bounds, and forgets what no window reaches, whatever the metrics say", () => {
    const wants = fc.array(fc.record({ wanted: fc.nat({ max: 200 }), afterSeconds: fc.integer({ min: 1, max: 200 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(wants, (looks) => {
        let [current, past, nowMs] = [5, noPast, 0];
        const history: { wanted: number; atMs: number }[] = [];
        for (const { wanted, afterSeconds } of looks) {
          nowMs += afterSeconds * 1_000;
          const input = { ...base, past, current, wanted, min: 2, max: 50, nowMs };
          const { replicas } = pace(input);
          assert.ok(replicas >= 2 && replicas <= 50);
          const changed = ({ ups, downs }: ScalingPast) =>
            [...downs.map(({ count, atMs }) => ({ count, atMs })), ...ups.map(({ count, atMs }) => ({ count: -count, atMs }))]
              .filter(({ atMs }) => atMs > nowMs - 15_000)
              .reduce((sum, { count }) => sum + count, 0);
          const start = current + changed(past);
          assert.ok(replicas <= Math.max(current, 2 * start, start + 4), "up by the default policies at most");
          const recent = history.filter(({ atMs }) => atMs > nowMs - 300_000).map((one) => one.wanted);
          if (replicas < current)
            assert.ok(replicas >= Math.min(50, current, Math.max(wanted, ...recent)), "not below the window's most");
          history.push({ wanted, atMs: nowMs });
          past = remember(input, replicas);
          assert.ok(past.recommendations.every(({ atMs }) => atMs > nowMs - 300_000));
          assert.ok(past.ups.length <= 15);
          current = replicas;
        }
      }),
    );
  });
});
