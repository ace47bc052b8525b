import assert from "node:assert/strict";
import { horizontalPodAutoscalerKind } from "#core/objects/horizontal-pod-autoscaler.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeGroupKind } from "#core/objects/node-group.ts";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";

function problemsOf<T extends ApiObject>(kind: Kind<T>, spec: object): string[] {
  const metadata = { name: "web", ...(kind.namespaced ? { namespace: "default" } : {}) };
  return kind.validate(kind.withDefaults(kind.fromJson({ metadata, spec }))).map(({ path, message }) => `${path}: ${message}`);
}

const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const cpu = (target: object) => ({ type: "Resource", resource: { name: "cpu", target } });
const half = { type: "Utilization", averageUtilization: 50 };
const requests = (target: object) => ({ type: "Pods", pods: { metric: { name: "requests_per_second" }, target } });

describe("a HorizontalPodAutoscaler", () => {
  const right: readonly object[] = [
    {},
    { minReplicas: 2, metrics: [cpu(half), requests({ type: "AverageValue", averageValue: "20" })] },
    {
      metrics: [
        {
          type: "Object",
          object: {
            describedObject: { kind: "Service", name: "web" },
            metric: { name: "x" },
            target: { type: "Value", value: "5" },
          },
        },
      ],
    },
    { behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] } } },
  ];
  for (const spec of right) {
    it(`takes ${JSON.stringify(spec)}`, () =>
      assert.deepEqual(problemsOf(horizontalPodAutoscalerKind, { scaleTargetRef, maxReplicas: 3, ...spec }), []));
  }

  const wrong: readonly (readonly [spec: object, problem: string])[] = [
    [{ maxReplicas: undefined }, "spec.maxReplicas: Required value"],
    [{ minReplicas: 0 }, "spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
    [{ minReplicas: 4 }, "spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"],
    [{ scaleTargetRef: { kind: "Deployment" } }, "spec.scaleTargetRef.name: Required value"],
    [
      { metrics: [{ type: "Weather" }] },
      'spec.metrics[0].type: Unsupported value: "Weather": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
    ],
    [
      { metrics: [cpu({ type: "Value", value: "1" })] },
      'spec.metrics[0].resource.target.type: Unsupported value: "Value": supported values: "AverageValue", "Utilization"',
    ],
    [
      { metrics: [cpu({ type: "Utilization" })] },
      "spec.metrics[0].resource.target.averageUtilization: Required value: must specify a positive target",
    ],
    [
      { metrics: [requests({ type: "AverageValue", averageValue: "0" })] },
      'spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive',
    ],
    [
      { metrics: [{ ...cpu(half), ...requests({ type: "AverageValue", averageValue: "1" }), type: "Resource" }] },
      "spec.metrics[0].pods: Forbidden: must populate the given metric source only: Resource",
    ],
    [
      { behavior: { scaleUp: { stabilizationWindowSeconds: 3_601 } } },
      "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be between 0 and 3600, inclusive",
    ],
    [
      { behavior: { scaleUp: { selectPolicy: "Most" } } },
      'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
    ],
    [
      { behavior: { scaleDown: { tolerance: "-1" } } },
      'spec.behavior.scaleDown.tolerance: Invalid value: "-1": must be greater or equal to zero',
    ],
  ];
  for (const [spec, problem] of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () =>
      assert.deepEqual(problemsOf(horizontalPodAutoscalerKind, { scaleTargetRef, maxReplicas: 3, ...spec }), [problem]));
  }

  it("looks at the cpu where it names no metric, and fills its rules in", () => {
    const { spec } = horizontalPodAutoscalerKind.withDefaults(
      horizontalPodAutoscalerKind.fromJson({
        metadata: { name: "web" },
        spec: { scaleTargetRef, maxReplicas: 3, behavior: { scaleUp: {} } },
      }),
    );
    assert.deepEqual([spec?.minReplicas, spec?.metrics[0]?.resource?.target?.averageUtilization], [1, 80]);
    assert.deepEqual(
      spec?.behavior?.scaleUp?.policies.map(({ type, value }) => [type, value]),
      [
        ["Pods", 4],
        ["Percent", 100],
      ],
    );
  });
});

describe("a VerticalPodAutoscaler", () => {
  const targetRef = scaleTargetRef;
  const wrong: readonly (readonly [spec: object, problem: string])[] = [
    [{ targetRef: undefined }, "spec.targetRef.kind: Required value"],
    [
      { updatePolicy: { updateMode: "InPlace" } },
      'spec.updatePolicy.updateMode: Unsupported value: "InPlace": supported values: "Initial", "Off", "Recreate"',
    ],
    [
      { resourcePolicy: { containerPolicies: [{ containerName: "*", minAllowed: { cpu: "much" } }] } },
      "spec.resourcePolicy.containerPolicies[0].minAllowed[cpu]: Invalid value: \"much\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { resourcePolicy: { containerPolicies: [{ containerName: "*", minAllowed: { cpu: "2" }, maxAllowed: { cpu: "1" } }] } },
      'spec.resourcePolicy.containerPolicies[0].maxAllowed[cpu]: Invalid value: "1": must be at least minAllowed, which is 2',
    ],
  ];
  it("takes a target alone", () => assert.deepEqual(problemsOf(verticalPodAutoscalerKind, { targetRef }), []));
  for (const [spec, problem] of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () =>
      assert.ok(
        problemsOf(verticalPodAutoscalerKind, { targetRef, ...spec }).includes(problem),
        problemsOf(verticalPodAutoscalerKind, { targetRef, ...spec }).join(),
      ));
  }
});

describe("a NodeGroup", () => {
  it("takes a range", () => assert.deepEqual(problemsOf(nodeGroupKind, { minSize: 2, maxSize: 6 }), []));
  it("begins with none", () => assert.deepEqual(problemsOf(nodeGroupKind, { maxSize: 6 }), []));
  it("has a most", () => assert.deepEqual(problemsOf(nodeGroupKind, { minSize: 2 }), ["spec.maxSize: Required value"]));
  it("has a most that is more than its least", () =>
    assert.deepEqual(problemsOf(nodeGroupKind, { minSize: 2, maxSize: 1 }), [
      "spec.maxSize: Invalid value: 1: must be greater than or equal to `minSize`",
    ]));
});
