/* What is known of a node group when its size is decided. Pure. */

import { nodeGroupLabel } from "#core/objects/node-group.ts";
import type { Node, NodeGroup, Pod } from "#proto/podwire/v1/resources.ts";
import { controllerOf } from "../../workloads/owners.ts";

/** Kubernetes' Cluster Autoscaler puts it on a node that it removes; load balancers and schedulers know it. */
export const toBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";

export interface GroupState {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** How many nodes it is to have. */
  readonly target: number;
  /** Its nodes, but for those that go. */
  readonly members: readonly Node[];
  readonly leaving: readonly Node[];
}

export function groupStateOf({ metadata, spec, status }: NodeGroup, nodes: readonly Node[]): GroupState {
  const name = metadata?.name ?? "";
  const own = nodes.filter((node) => node.metadata?.labels[nodeGroupLabel] === name);
  const { minSize: min = 0, maxSize: max = 0 } = spec ?? {};
  const members = own.filter((node) => !isLeaving(node));
  // Whoever adds nodes by hand wants them.
  const target = Math.max(members.length, Math.min(max, Math.max(min, status?.targetSize ?? 0)));
  return { name, min, max, target, members, leaving: own.filter(isLeaving) };
}

export function isLeaving({ spec }: Node): boolean {
  return spec?.taints.some(({ key }) => key === toBeDeletedTaint) ?? false;
}

/** One on every node, or of the node itself: it neither brings nodes nor holds them. */
export function isDaemon(pod: Pod): boolean {
  return controllerOf(pod)?.kind === "DaemonSet";
}
