import assert from "node:assert/strict";
import { podRequests, qosClassOf } from "#core/objects/pod-resources.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { c, checkRules, podOf, withContainer } from "./pod-rules.ts";

describe("resources", () => {
  it("request what they limit, and are written as Kubernetes writes them", () => {
    const pod = withContainer({ resources: { limits: { cpu: "0.5", memory: "1024Mi" }, requests: { cpu: "0.1" } } });
    const resources = pod.spec?.containers[0]?.resources;
    assert.deepEqual({ ...resources?.limits }, { cpu: "500m", memory: "1Gi" });
    assert.deepEqual({ ...resources?.requests }, { cpu: "100m", memory: "1Gi" });
  });

  checkRules([
    {
      title: "are quantities of known things, requests within limits",
      pod: withContainer({
        resources: {
          limits: { cpu: "1", memory: "much", "example.com/gpu": "1" },
          requests: { cpu: "1500m", memory: "-1", gpu: "1" },
        },
      }),
      want: [
        `${c}.resources.limits[memory]: Invalid value: "much": quantities must match`,
        `${c}.resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0`,
        `${c}.resources.requests[gpu]: Invalid value: "gpu": must be a standard resource for containers`,
        `${c}.resources.requests: Invalid value: "1500m": must be less than or equal to cpu limit of 1`,
      ],
    },
  ]);

  const whole = { cpu: "1", memory: "1Gi" };
  const classes: { title: string; pod: Pod; want: string }[] = [
    { title: "nothing", pod: withContainer({}), want: "BestEffort" },
    { title: "zero", pod: withContainer({ resources: { requests: { cpu: "0" } } }), want: "BestEffort" },
    { title: "a request", pod: withContainer({ resources: { requests: { cpu: "1" } } }), want: "Burstable" },
    {
      title: "another resource",
      pod: withContainer({ resources: { limits: { "ephemeral-storage": "1Gi" } } }),
      want: "BestEffort",
    },
    { title: "both limits", pod: withContainer({ resources: { limits: whole } }), want: "Guaranteed" },
    { title: "one limit", pod: withContainer({ resources: { limits: { cpu: "1" } } }), want: "Burstable" },
    {
      title: "less than the limit",
      pod: withContainer({ resources: { limits: whole, requests: { cpu: "500m" } } }),
      want: "Burstable",
    },
    {
      title: "an init container without limits",
      pod: withContainer({ resources: { limits: whole } }, { initContainers: [{ name: "i", image: "x" }] }),
      want: "Burstable",
    },
  ];
  for (const { title, pod, want } of classes) {
    it(`of ${title} make a pod ${want}`, () => assert.equal(qosClassOf(pod), want));
  }

  it("of a pod are those of its containers and sidecars, or of an init container that needs more", () => {
    const asking = (name: string, cpu: string, more: object = {}) => ({
      name,
      image: "x",
      resources: { requests: { cpu } },
      ...more,
    });
    const cpuOf = (initContainers: object[], containers: object[]) =>
      Number((podRequests(podOf({ initContainers, containers })).get("cpu") ?? 0n) / 1_000_000n);
    assert.equal(cpuOf([], [asking("a", "100m"), asking("b", "200m")]), 300);
    assert.equal(cpuOf([asking("i", "1")], [asking("a", "100m")]), 1_000);
    const sidecar = asking("s", "300m", { restartPolicy: "Always" });
    assert.equal(cpuOf([asking("i", "1"), sidecar], [asking("a", "100m")]), 1_000);
    assert.equal(cpuOf([sidecar, asking("i", "1")], [asking("a", "100m")]), 1_300);
    assert.equal(cpuOf([sidecar], [asking("a", "100m")]), 400);
  });
});
