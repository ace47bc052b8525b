import assert from "node:assert/strict";
import { podKind } from "#core/objects/pod.ts";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import { withRecommendation } from "../../../../control-plane/autoscaling/vertical/pod-resources.ts";

const recommended = { cpu: "50m", memory: "300M" };

function autoscaler(updateMode: string, policy: object = {}, target: object = recommended) {
  return verticalPodAutoscalerKind.fromJson({
    metadata: { name: "web-vpa", namespace: "default" },
    spec: {
      targetRef: { kind: "Deployment", name: "web" },
      updatePolicy: { updateMode },
      resourcePolicy: { containerPolicies: [{ containerName: "*", ...policy }] },
    },
    status: { recommendation: { containerRecommendations: [{ containerName: "main", target }] } },
  });
}

function pod(resources: object, ...others: readonly string[]) {
  const containers = [{ name: "main", resources }, ...others.map((name) => ({ name }))];
  return podKind.fromJson({ metadata: { name: "web" }, spec: { containers } });
}

describe("a new pod of an autoscaler", () => {
  const cases: {
    title: string;
    resources?: object;
    policy?: object;
    target?: object;
    requests: object;
    limits: object;
    said: string;
  }[] = [
    {
      title: "asks for what is recommended",
      requests: recommended,
      limits: {},
      said: "cpu request, memory request",
    },
    {
      title: "keeps what nothing is recommended of",
      resources: { requests: { cpu: "10m", memory: "10Mi" } },
      target: { memory: "300M" },
      requests: { cpu: "10m", memory: "300M" },
      limits: {},
      said: "memory request",
    },
    {
      // Twice the cpu, four times the memory: 1,200,000,000 bytes for 300 M.
      title: "has its limits in proportion",
      resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { cpu: "200m", memory: "256Mi" } },
      requests: recommended,
      limits: { cpu: "100m", memory: "1171875Ki" },
      said: "cpu request, memory request, cpu limit, memory limit",
    },
    {
      title: "has limits rounded down",
      resources: { requests: { cpu: "30m" }, limits: { cpu: "70m" } },
      target: { cpu: "25m" },
      requests: { cpu: "25m" },
      limits: { cpu: "58m" },
      said: "cpu request, cpu limit",
    },
    {
      title: "has limits that are its requests where they were",
      resources: { requests: { cpu: "1" }, limits: { cpu: "1" } },
      target: { cpu: "50m" },
      requests: { cpu: "50m" },
      limits: { cpu: "50m" },
      said: "cpu request, cpu limit",
    },
    {
      title: "keeps its limits, and asks for no more than they are, where only requests are controlled",
      resources: { requests: { cpu: "10m", memory: "10Mi" }, limits: { cpu: "40m", memory: "1Gi" } },
      policy: { controlledValues: "RequestsOnly" },
      requests: { cpu: "40m", memory: "300M" },
      limits: { cpu: "40m", memory: "1Gi" },
      said: "cpu request, memory request",
    },
  ];
  for (const { title, resources = {}, policy, target, requests, limits, said } of cases) {
    it(title, () => {
      for (const mode of ["Initial", "Recreate"]) {
        const made = withRecommendation(pod(resources), autoscaler(mode, policy, target));
        assert.deepEqual(made.spec?.containers[0]?.resources?.requests, requests);
        assert.deepEqual(made.spec?.containers[0]?.resources?.limits, limits);
        assert.deepEqual(made.metadata?.annotations, { vpaUpdates: `Pod resources updated by web-vpa: container 0: ${said}` });
      }
    });
  }

  it("is left alone by an autoscaler that is off, is off for its containers, or knows none of them", () => {
    const plain = pod({});
    assert.equal(withRecommendation(plain, autoscaler("Recreate", { mode: "Off" })).metadata?.annotations.vpaUpdates, undefined);
    assert.equal(withRecommendation(plain, autoscaler("Off")), plain);
    const other = podKind.fromJson({ metadata: { name: "web" }, spec: { containers: [{ name: "other" }] } });
    assert.equal(withRecommendation(other, autoscaler("Recreate")), other);
  });

  it("keeps its other containers", () => {
    const made = withRecommendation(pod({}, "side"), autoscaler("Initial"));
    assert.equal(made.spec?.containers[1]?.resources, undefined);
  });

  it("takes no quantity from a status that isn't one", () => {
    const made = withRecommendation(pod({}), autoscaler("Initial", {}, { cpu: "much", memory: "-1", gpu: "3" }));
    assert.equal(made.metadata?.annotations.vpaUpdates, undefined);
  });
});
