import assert from "node:assert/strict";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { schedule } from "../../../control-plane/scheduler/schedule.ts";

interface NodeFacts {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cordoned?: boolean;
  readonly ready?: string;
  readonly podCIDR?: string | null;
  readonly podCount?: number;
}

function nodeOf({ name, labels = {}, cordoned = false, ready = "True", podCIDR = "10.244.0.0/24" }: NodeFacts): Node {
  return nodeKind.fromJson({
    metadata: { name, labels },
    spec: { unschedulable: cordoned, ...(podCIDR === null ? {} : { podCIDR, podCIDRs: [podCIDR] }) },
    status: { conditions: [{ type: "Ready", status: ready }] },
  });
}

function podOf(spec: object = {}): Pod {
  return podKind.fromJson({ metadata: { name: "web" }, spec });
}

function decide(nodes: readonly NodeFacts[], pod: Pod = podOf()) {
  const podCounts = new Map(nodes.map(({ name, podCount = 0 }) => [name, podCount]));
  return schedule({ pod, nodes: nodes.map(nodeOf), podCounts });
}

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
      ],
      says: "0/2 nodes are available: 2 node(s) were not ready.",
    },
    { nodes: [{ name: "a", podCIDR: null }], says: "0/1 nodes are available: 1 node(s) had no pod CIDR." },
  ];
  for (const { nodes, pod, says } of refusals) {
    it(`says "${says}"`, () => assert.deepEqual(decide(nodes, pod), { unschedulable: says }));
  }
});
