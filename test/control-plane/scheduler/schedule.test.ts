import assert from "node:assert/strict";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Node, Pod, PodSpec } from "#proto/podwire/v1/resources.ts";
import { usageOf } from "../../../control-plane/scheduler/node-usage.ts";
import { schedule } from "../../../control-plane/scheduler/schedule.ts";

interface NodeFacts {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cordoned?: boolean;
  /** Null where the node says nothing yet. */
  readonly ready?: string | null;
  readonly podCIDR?: string | null;
  readonly taints?: readonly object[];
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly podCount?: number;
  /** What stands there already. */
  readonly pods?: readonly Pod[];
}

function nodeOf(facts: NodeFacts): Node {
  const { name, labels = {}, cordoned = false, ready = "True", podCIDR = "10.244.0.0/24", taints = [], allocatable = {} } = facts;
  return nodeKind.fromJson({
    metadata: { name, labels },
    spec: { unschedulable: cordoned, taints, ...(podCIDR === null ? {} : { podCIDR, podCIDRs: [podCIDR] }) },
    status: { conditions: ready === null ? [] : [{ type: "Ready", status: ready }], allocatable },
  });
}

function podOf(spec: object = {}): Pod {
  return podKind.fromJson({ metadata: { name: "web" }, spec });
}

function decide(nodes: readonly NodeFacts[], pod: Pod = podOf()) {
  const pods = nodes.flatMap(({ name, podCount = 0, pods: standing = [] }) =>
    [...standing, ...Array.from({ length: podCount }, () => podOf())].map((there) => ({
      ...there,
      spec: { ...there.spec, nodeName: name } as PodSpec,
    })),
  );
  return schedule({ pod, nodes: nodes.map(nodeOf), usage: usageOf(pods) });
}

const asking = (requests: object, more: object = {}) => podOf({ containers: [{ name: "a", resources: { requests } }], ...more });
const taking = (...ports: object[]) => podOf({ containers: [{ name: "a", ports }] });
const needing = (...nodeSelectorTerms: object[]) =>
  podOf({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } });
const preferring = (...terms: object[]) =>
  podOf({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: terms } } });
const expression = (key: string, operator: string, ...values: string[]) => ({ matchExpressions: [{ key, operator, values }] });
const taint = (key: string, effect: string, value?: string) => ({ key, effect, ...(value === undefined ? {} : { value }) });

const ended = podKind.fromJson({ status: { phase: "Succeeded" } }).status;

describe("the scheduler", () => {
  const placements: {
    readonly title: string;
    readonly nodes: readonly NodeFacts[];
    readonly pod?: Pod;
    readonly node: string;
  }[] = [
    {
      title: "takes the node with the fewest pods",
      nodes: [
        { name: "a", podCount: 2 },
        { name: "b", podCount: 1 },
      ],
      node: "b",
    },
    { title: "takes the first by name among equals", nodes: [{ name: "b" }, { name: "a" }, { name: "c" }], node: "a" },
    {
      title: "passes a cordoned node by",
      nodes: [
        { name: "a", cordoned: true },
        { name: "b", podCount: 9 },
      ],
      node: "b",
    },
    { title: "passes a node that is not Ready by", nodes: [{ name: "a", ready: "Unknown" }, { name: "b" }], node: "b" },
    { title: "passes a node without a pod CIDR by", nodes: [{ name: "a", podCIDR: null }, { name: "b" }], node: "b" },
    {
      title: "takes a node without a pod CIDR for a pod on the host's network",
      nodes: [
        { name: "a", podCIDR: null },
        { name: "b", podCount: 1 },
      ],
      pod: podOf({ hostNetwork: true }),
      node: "a",
    },
    {
      title: "takes a node that has all labels of the nodeSelector",
      nodes: [
        { name: "a", labels: { disk: "ssd" } },
        { name: "b", labels: { disk: "ssd", zone: "1" }, podCount: 5 },
      ],
      pod: podOf({ nodeSelector: { disk: "ssd", zone: "1" } }),
      node: "b",
    },
    {
      title: "takes a tainted node for a pod that tolerates the taint",
      nodes: [
        { name: "a", taints: [taint("gpu", "NoSchedule", "yes")] },
        { name: "b", podCount: 1 },
      ],
      pod: podOf({ tolerations: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] }),
      node: "a",
    },
    {
      title: "rather passes a node by that asks to be avoided",
      nodes: [
        { name: "a", taints: [taint("old", "PreferNoSchedule")] },
        { name: "b", podCount: 9 },
      ],
      node: "b",
    },
    {
      title: "takes a node that asks to be avoided where there is no other",
      nodes: [{ name: "a", taints: [taint("old", "PreferNoSchedule")] }],
      node: "a",
    },
    {
      title: "takes a cordoned node for a pod that tolerates that",
      nodes: [{ name: "a", cordoned: true }],
      pod: podOf({ tolerations: [{ key: "node.kubernetes.io/unschedulable", operator: "Exists" }] }),
      node: "a",
    },
    {
      title: "takes the node with the most that a pod prefers",
      nodes: [
        { name: "a", labels: { zone: "1" } },
        { name: "b", labels: { zone: "1", disk: "ssd" }, podCount: 3 },
        { name: "c", labels: { disk: "ssd" } },
      ],
      pod: preferring(
        { weight: 1, preference: expression("zone", "In", "1") },
        { weight: 5, preference: expression("disk", "Exists") },
      ),
      node: "b",
    },
    {
      title: "takes a node by its name in matchFields",
      nodes: [{ name: "a" }, { name: "b" }],
      pod: needing({ matchFields: [{ key: "metadata.name", operator: "In", values: ["b"] }] }),
      node: "b",
    },
    {
      title: "takes a node that one of several terms wants",
      nodes: [
        { name: "a", labels: { n: "3" } },
        { name: "b", labels: { n: "12" } },
      ],
      pod: needing(expression("none", "Exists"), expression("n", "Gt", "5")),
      node: "b",
    },
    {
      title: "takes a node where cpu, memory and places are left",
      nodes: [
        { name: "a", allocatable: { cpu: "1" }, pods: [asking({ cpu: "600m" })] },
        { name: "b", allocatable: { memory: "1Gi" } },
        { name: "c", allocatable: { pods: "0" } },
        { name: "d", allocatable: { cpu: "2", memory: "4Gi", pods: "2" }, pods: [asking({ cpu: "1" })] },
      ],
      pod: asking({ cpu: "1", memory: "2Gi" }),
      node: "d",
    },
    {
      title: "counts no pod that has ended",
      nodes: [{ name: "a", allocatable: { cpu: "1" }, pods: [{ ...asking({ cpu: "1" }), status: ended }] }],
      pod: asking({ cpu: "1" }),
      node: "a",
    },
    {
      title: "takes a node whose port is free for that protocol and address",
      nodes: [{ name: "a", pods: [taking({ hostPort: 53, protocol: "UDP" }, { hostPort: 80, hostIP: "10.0.0.1" })] }],
      pod: taking({ hostPort: 53 }, { hostPort: 80, hostIP: "10.0.0.2" }),
      node: "a",
    },
  ];
  for (const { title, nodes, pod, node } of placements) {
    it(title, () => assert.deepEqual(decide(nodes, pod), { node }));
  }

  const refusals: { readonly nodes: readonly NodeFacts[]; readonly pod?: Pod; readonly says: string }[] = [
    { nodes: [], says: "no nodes available to schedule pods" },
    {
      nodes: [{ name: "a", cordoned: true }, { name: "b" }, { name: "c", labels: { disk: "hdd" } }],
      pod: podOf({ nodeSelector: { disk: "ssd" } }),
      says: "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.",
    },
    {
      nodes: [
        { name: "a", ready: "False" },
        { name: "b", ready: "Unknown" },
        { name: "c", ready: null },
      ],
      says:
        "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, " +
        "2 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
    },
    {
      nodes: [
        { name: "a", taints: [taint("gpu", "NoSchedule", "yes")] },
        { name: "b", taints: [taint("gpu", "NoExecute", "yes")] },
        { name: "c", allocatable: { cpu: "1" }, pods: [asking({ cpu: "500m" })] },
      ],
      pod: asking({ cpu: "501m" }, { tolerations: [{ key: "gpu", operator: "Equal", value: "no" }] }),
      says: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: yes}.",
    },
    {
      nodes: [{ name: "a", allocatable: { cpu: "1", memory: "1Gi", pods: "1" }, podCount: 1 }],
      pod: asking({ cpu: "2", memory: "2Gi", "example.com/gpu": "1" }),
      says: "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods.",
    },
    {
      nodes: [
        { name: "a", pods: [taking({ hostPort: 80 })] },
        { name: "b", pods: [taking({ hostPort: 80, hostIP: "0.0.0.0" })] },
      ],
      pod: taking({ hostPort: 80, hostIP: "10.0.0.1" }),
      says: "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
    },
    {
      nodes: [{ name: "a", labels: { n: "many" } }],
      pod: needing(expression("n", "Gt", "5"), expression("n", "NotIn", "many"), {}, expression("n", "DoesNotExist")),
      says: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
    },
    { nodes: [{ name: "a", podCIDR: null }], says: "0/1 nodes are available: 1 node(s) had no pod CIDR." },
  ];
  for (const { nodes, pod, says } of refusals) {
    it(`says "${says}"`, () => assert.deepEqual(decide(nodes, pod), { unschedulable: says }));
  }
});
