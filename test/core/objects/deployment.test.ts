import assert from "node:assert/strict";
import { deploymentKind } from "#core/objects/deployment.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import type { Deployment } from "#proto/podwire/v1/resources.ts";

const labels = { app: "web" };
const podSpec = { containers: [{ name: "web", image: "podwire/toolbox" }] };
const template = { metadata: { labels }, spec: podSpec };
const selector = { matchLabels: labels };

function deploymentOf(spec: object): Deployment {
  const json = { metadata: { name: "web", namespace: "default" }, spec: { selector, template, ...spec } };
  return deploymentKind.withDefaults(deploymentKind.fromJson(json));
}

describe("a Deployment's defaults", () => {
  it("are those of Kubernetes", () => {
    const { replicas, strategy, revisionHistoryLimit, progressDeadlineSeconds, template: made } = deploymentOf({}).spec ?? {};
    assert.deepEqual(
      { replicas, strategy, revisionHistoryLimit, progressDeadlineSeconds },
      {
        replicas: 1,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
      },
    );
    assert.equal(made?.spec?.restartPolicy, "Always");
  });

  it("leave what was said, zeros too", () => {
    const rollingUpdate = { maxUnavailable: 0, maxSurge: 2 };
    const { spec } = deploymentOf({ replicas: 0, strategy: { rollingUpdate }, revisionHistoryLimit: 0 });
    assert.equal(spec?.replicas, 0);
    assert.equal(spec?.revisionHistoryLimit, 0);
    assert.deepEqual(spec?.strategy, { type: "RollingUpdate", rollingUpdate });
  });

  it("give Recreate no bounds", () => {
    assert.deepEqual(deploymentOf({ strategy: { type: "Recreate" } }).spec?.strategy?.rollingUpdate, undefined);
  });
});

describe("a Deployment's rules", () => {
  const rolling = (maxUnavailable: unknown, maxSurge: unknown) => ({ strategy: { rollingUpdate: { maxUnavailable, maxSurge } } });
  const at = "spec.strategy.rollingUpdate";
  const cases: { title: string; spec: object; want: string[] }[] = [
    { title: "take the smallest one", spec: {}, want: [] },
    { title: "want a selector", spec: { selector: undefined }, want: ["spec.selector: Required value"] },
    {
      title: "want one that says something",
      spec: { selector: {} },
      want: ["spec.selector: Invalid value: {…}: empty selector is invalid for deployment"],
    },
    {
      title: "want one that selects what the template makes",
      spec: { selector: { matchLabels: { app: "db" } } },
      want: ["spec.template.metadata.labels: Invalid value: {…}: `selector` does not match template `labels`"],
    },
    { title: "want a template", spec: { template: undefined }, want: ["spec.template.spec.containers: Required value"] },
    {
      title: "keep pods running",
      spec: { template: { ...template, spec: { ...podSpec, restartPolicy: "Never" } } },
      want: ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    },
    {
      title: "end no pods by the clock",
      spec: { template: { ...template, spec: { ...podSpec, activeDeadlineSeconds: 5 } } },
      want: ["spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in Deployment is not Supported"],
    },
    {
      title: "let a rollout move",
      spec: rolling(0, "0%"),
      want: [`${at}.maxUnavailable: Invalid value: 0: may not be 0 when \`maxSurge\` is 0`],
    },
    {
      title: "know shares",
      spec: rolling("150%", "two"),
      want: [
        `${at}.maxSurge: Invalid value: "two": a valid percent string must be`,
        `${at}.maxUnavailable: Invalid value: "150%": must not be greater than 100%`,
      ],
    },
    {
      title: "know numbers",
      spec: rolling(-1, 1.5),
      want: [
        `${at}.maxUnavailable: Invalid value: -1: must be greater than or equal to 0`,
        `${at}.maxSurge: Invalid value: 1.5: must be an integer or percentage`,
      ],
    },
    {
      title: "give bounds to rolling updates only",
      spec: { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } },
      want: [`${at}: Forbidden: may not be specified when strategy \`type\` is 'Recreate'`],
    },
    {
      title: "know two strategies",
      spec: { strategy: { type: "Canary" } },
      want: ['spec.strategy.type: Unsupported value: "Canary": supported values: "Recreate", "RollingUpdate"'],
    },
    {
      title: "bound numbers",
      spec: { replicas: -1, minReadySeconds: -1, revisionHistoryLimit: -1 },
      want: [
        "spec.replicas: Invalid value: -1",
        "spec.minReadySeconds: Invalid value: -1",
        "spec.revisionHistoryLimit: Invalid value: -1",
      ],
    },
    {
      title: "give pods the time to be ready before a rollout is late",
      spec: { minReadySeconds: 600 },
      want: ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"],
    },
  ];
  for (const { title, spec, want } of cases) {
    it(title, () => {
      const problems = deploymentKind.validate(deploymentOf(spec)).map(formatProblem);
      assert.equal(problems.length, want.length, problems.join("\n"));
      for (const [i, start] of want.entries()) assert.ok(problems[i]?.startsWith(start), `${problems[i]}\nwanted ${start}`);
    });
  }

  it("change anything but the selector", () => {
    const changed = { selector: { matchLabels: { app: "web", tier: "a" } } };
    const problems = deploymentKind.validateUpdate(deploymentOf(changed), deploymentOf({ replicas: 3 }));
    assert.deepEqual(problems.map(formatProblem), ["spec.selector: Invalid value: {…}: field is immutable"]);
    assert.deepEqual(deploymentKind.validateUpdate(deploymentOf({ replicas: 2, paused: true }), deploymentOf({})), []);
  });
});

describe("a ReplicaSet's rules", () => {
  const setOf = (spec: object) =>
    replicaSetKind.withDefaults(replicaSetKind.fromJson({ metadata: { name: "web", namespace: "default" }, spec }));

  it("are a Deployment's, as far as it has the same fields", () => {
    assert.deepEqual(replicaSetKind.validate(setOf({ selector, template })), []);
    assert.equal(setOf({ selector, template }).spec?.replicas, 1);
    const problems = replicaSetKind.validate(setOf({ replicas: -1, selector: { matchLabels: { app: "db" } }, template }));
    assert.deepEqual(
      problems.map(({ path }) => path),
      ["spec.replicas", "spec.template.metadata.labels"],
    );
  });
});
