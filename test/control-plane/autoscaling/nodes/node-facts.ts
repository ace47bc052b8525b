/* Nodes, pods and groups for the node autoscaler's tests. */

import { nodeKind } from "#core/objects/node.ts";
import { nodeGroupKind } from "#core/objects/node-group.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Node, NodeGroup, Pod } from "#proto/podwire/v1/resources.ts";
import { type GroupState, groupStateOf } from "../../../../control-plane/autoscaling/nodes/node-group-state.ts";

export interface NodeFacts {
  readonly group?: string | undefined;
  readonly ready?: string;
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly taints?: readonly object[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export function nodeOf(name: string, facts: NodeFacts = {}): Node {
  const {
    group = "default",
    ready = "True",
    allocatable = { cpu: "1", memory: "1Gi", pods: "10" },
    taints = [],
    annotations = {},
  } = facts;
  return nodeKind.fromJson({
    metadata: { name, labels: { "podwire.dev/node-group": group }, annotations, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: { podCIDR: "10.244.0.0/24", taints },
    status: { allocatable, conditions: [{ type: "Ready", status: ready }] },
  });
}

export interface PodFacts {
  readonly cpu?: string;
  readonly node?: string;
  /** Its controller's kind; none where it is null. */
  readonly owner?: string | null;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: object;
}

export function podOf(name: string, facts: PodFacts = {}): Pod {
  const { cpu = "400m", node, owner = "ReplicaSet", annotations = {}, namespace = "default", labels = {}, spec = {} } = facts;
  const ownerReferences = owner === null ? [] : [{ kind: owner, name: "web", uid: "1", controller: true }];
  const pending = [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }];
  return podKind.fromJson({
    metadata: { name, namespace, uid: name, annotations, labels, ownerReferences },
    spec: {
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [{ name: "main", resources: { requests: { cpu } } }],
      ...spec,
    },
    status: { phase: node === undefined ? "Pending" : "Running", conditions: node === undefined ? pending : [] },
  });
}

export function groupOf(
  nodes: readonly Node[],
  facts: { readonly name?: string; readonly min?: number; readonly max?: number; readonly target?: number } = {},
): GroupState {
  const { name = "default", min = 1, max = 4, target } = facts;
  const group: NodeGroup = nodeGroupKind.fromJson({
    metadata: { name },
    spec: { minSize: min, maxSize: max },
    status: { targetSize: target ?? nodes.length },
  });
  return groupStateOf(group, nodes);
}
