import assert from "node:assert/strict";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";

const problemsOf = (spec: object) =>
  podDisruptionBudgetKind
    .validate(
      podDisruptionBudgetKind.withDefaults(
        podDisruptionBudgetKind.fromJson({ metadata: { name: "web", namespace: "default" }, spec }),
      ),
    )
    .map(({ path, message }) => `${path}: ${message}`);

describe("a disruption budget", () => {
  const selector = { matchLabels: { app: "web" } };
  const right = [{ minAvailable: 2 }, { minAvailable: "50%" }, { maxUnavailable: 0 }, { maxUnavailable: "100%" }, {}];
  for (const spec of right) it(`takes ${JSON.stringify(spec)}`, () => assert.deepEqual(problemsOf({ selector, ...spec }), []));

  const percentRule =
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%', or '93%', regex used for validation is '[0-9]+%')";
  const wrong: readonly (readonly [object, string])[] = [
    [{ minAvailable: 1, maxUnavailable: 1 }, "spec: Invalid value: {…}: minAvailable and maxUnavailable cannot be both set"],
    [{ minAvailable: -1 }, "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0"],
    [{ maxUnavailable: "half" }, `spec.maxUnavailable: Invalid value: "half": ${percentRule}`],
    [{ maxUnavailable: "101%" }, 'spec.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    [
      { unhealthyPodEvictionPolicy: "Never" },
      'spec.unhealthyPodEvictionPolicy: Unsupported value: "Never": supported values: "AlwaysAllow", "IfHealthyBudget"',
    ],
  ];
  for (const [spec, message] of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () => assert.deepEqual(problemsOf({ selector, ...spec }), [message]));
  }
});
