import assert from "node:assert/strict";
import { daemonSetKind } from "#core/objects/daemon-set.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { statefulSetKind } from "#core/objects/stateful-set.ts";

const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "podwire/toolbox" }] } };
const selector = { matchLabels: labels };

function make<T extends ApiObject>(kind: Kind<T>, spec: object): T {
  const json = { metadata: { name: "web", namespace: "default" }, spec: { selector, template, ...spec } };
  return kind.withDefaults(kind.fromJson(json));
}

interface Case {
  readonly spec: object;
  readonly want: string;
}

describe("a StatefulSet's specification", () => {
  it("has Kubernetes' defaults", () => {
    const { replicas, podManagementPolicy, updateStrategy, revisionHistoryLimit } = make(statefulSetKind, {}).spec ?? {};
    assert.deepEqual(
      { replicas, podManagementPolicy, updateStrategy, revisionHistoryLimit },
      {
        replicas: 1,
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        revisionHistoryLimit: 10,
      },
    );
  });

  const wrong: readonly Case[] = [
    { spec: { selector: undefined }, want: "spec.selector: Required value" },
    { spec: { replicas: -1 }, want: "spec.replicas: Invalid value: -1: must be greater than or equal to 0" },
    {
      spec: { podManagementPolicy: "Random" },
      want: 'spec.podManagementPolicy: Unsupported value: "Random": supported values: "OrderedReady", "Parallel"',
    },
    {
      spec: { updateStrategy: { type: "Recreate" } },
      want: 'spec.updateStrategy.type: Unsupported value: "Recreate": supported values: "OnDelete", "RollingUpdate"',
    },
    {
      spec: { updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } },
      want: "spec.updateStrategy.rollingUpdate: Invalid value: {…}: only allowed for updateStrategy 'RollingUpdate'",
    },
    {
      spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      want: "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0",
    },
    {
      spec: { template: { ...template, metadata: { labels: { app: "other" } } } },
      want: "spec.template.metadata.labels: Invalid value: {…}: `selector` does not match template `labels`",
    },
  ];
  for (const { spec, want } of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () =>
      assert.deepEqual(statefulSetKind.validate(make(statefulSetKind, spec)).map(formatProblem), [want]));
  }

  const fields =
    "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
  it("may change in some fields only", () => {
    const before = make(statefulSetKind, {});
    const change = (spec: object) => statefulSetKind.validateUpdate(make(statefulSetKind, spec), before).map(formatProblem);
    assert.deepEqual(change({ replicas: 5, updateStrategy: { type: "OnDelete" } }), []);
    assert.deepEqual(change({ serviceName: "other" }), [
      `spec: Forbidden: updates to statefulset spec for fields other than ${fields} are forbidden`,
    ]);
  });
});

describe("a DaemonSet's specification", () => {
  it("has Kubernetes' defaults", () => {
    const { updateStrategy } = make(daemonSetKind, {}).spec ?? {};
    assert.deepEqual(updateStrategy, { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } });
  });

  const path = "spec.updateStrategy.rollingUpdate";
  const wrong: readonly Case[] = [
    {
      spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
      want: `${path}.maxUnavailable: Invalid value: 0: cannot be 0 when maxSurge is 0`,
    },
    {
      spec: { updateStrategy: { rollingUpdate: { maxSurge: "10%" } } },
      want: `${path}.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero`,
    },
    {
      spec: { template: { ...template, spec: { ...template.spec, restartPolicy: "Never" } } },
      want: 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    },
  ];
  for (const { spec, want } of wrong) {
    it(`refuses ${JSON.stringify(spec)}`, () =>
      assert.deepEqual(daemonSetKind.validate(make(daemonSetKind, spec)).map(formatProblem), [want]));
  }

  it("may not change its selector", () => {
    const next = make(daemonSetKind, { selector: { matchLabels: { tier: "x" } } });
    const [problem] = daemonSetKind.validateUpdate(next, make(daemonSetKind, {})).map(formatProblem);
    assert.match(problem ?? "", /^spec\.selector: Invalid value: .*: field is immutable$/);
  });
});
