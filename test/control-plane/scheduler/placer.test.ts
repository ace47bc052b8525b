import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { addPod, usageOf } from "../../../control-plane/scheduler/node-usage.ts";
import { createPlacer } from "../../../control-plane/scheduler/placer.ts";
import { schedule } from "../../../control-plane/scheduler/schedule.ts";

const node = fc.record({
  labels: fc.constantFrom({}, { disk: "ssd" }),
  unschedulable: fc.boolean(),
  podCIDR: fc.constantFrom("10.244.0.0/24", "10.244.0.0/24", ""),
  taints: fc.constantFrom([], [{ key: "a", effect: "NoSchedule" }], [{ key: "b", effect: "PreferNoSchedule" }]),
  allocatable: fc.constantFrom({}, { pods: "2" }, { cpu: "1", pods: "10" }),
});

const preferred = {
  nodeAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 5, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } },
    ],
  },
};

const pod = fc.record({
  cpu: fc.constantFrom("0", "300m", "700m"),
  hostPort: fc.constantFrom(undefined, undefined, 80),
  nodeSelector: fc.constantFrom({}, {}, { disk: "ssd" }),
  affinity: fc.constantFrom(undefined, preferred),
  tolerations: fc.constantFrom([], [{ key: "a", operator: "Exists" }], [{ operator: "Exists" }]),
  hostNetwork: fc.boolean(),
});

describe("the placer", () => {
  it("places every pod where the scheduler would, and refuses it for the same reasons", () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 6 }), fc.array(pod, { maxLength: 20 }), (nodeFacts, podFacts) => {
        const nodes = nodeFacts.map(({ labels, allocatable, podCIDR, ...spec }, i) =>
          nodeKind.fromJson({
            ...{ metadata: { name: `node-${i}`, labels }, spec: { ...spec, ...(podCIDR === "" ? {} : { podCIDR }) } },
            status: { conditions: [{ type: "Ready", status: "True" }], allocatable },
          }),
        );
        const usage = usageOf([]);
        const place = createPlacer(nodes, usageOf([]));
        for (const { cpu, hostPort, ...spec } of podFacts) {
          const ports = hostPort === undefined ? [] : [{ containerPort: hostPort, hostPort }];
          const wanting = podKind.fromJson({
            metadata: { name: "web" },
            spec: { ...spec, containers: [{ name: "main", ports, resources: { requests: { cpu } } }] },
          });
          const decision = schedule({ pod: wanting, nodes, usage });
          assert.deepEqual(place(wanting), decision);
          if ("node" in decision) addPod(usage, decision.node, wanting);
        }
      }),
      { numRuns: 500 },
    );
  });
});
