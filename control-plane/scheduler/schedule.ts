/* Which node a pod gets. Nodes that can't take it are sorted out for the first reason that holds, in the order of Kubernetes' filters; of
 * the others, the best has the fewest taints that the pod would rather avoid, then the most of what it prefers, then the fewest pods, and
 * is the first by name. Pure: it decides from what it is given. placer.ts places many pods so, and the loop in run.ts acts. */

import { tolerates } from "#core/objects/pod-placement.ts";
import type { Node, Pod, Taint } from "#proto/podwire/v1/resources.ts";
import { taintsOf } from "../state/node-taints.ts";
import { isWantedNode, preferenceFor } from "./node-affinity.ts";
import { type NodeUsage, portsCollide, shortages } from "./node-usage.ts";

export type Decision =
  | { readonly node: string }
  /** In kubectl's words: "0/3 nodes are available: 3 node(s) were unschedulable." */
  | { readonly unschedulable: string };

export interface ScheduleQuestion {
  readonly pod: Pod;
  readonly nodes: readonly Node[];
  /** By node, what its pods take. */
  readonly usage: ReadonlyMap<string, NodeUsage>;
}

export function schedule({ pod, nodes, usage }: ScheduleQuestion): Decision {
  const refusals = new Map<string, number>();
  let best: Candidate | undefined;
  for (const node of nodes) {
    const reasons = refusalsOf(pod, node, usage.get(node.metadata?.name ?? ""));
    for (const reason of reasons) refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    if (reasons.length > 0) continue;
    const candidate = candidateOf(pod, node, usage);
    if (best === undefined || isBetter(candidate, best)) best = candidate;
  }
  if (best !== undefined) return { node: best.name };
  if (nodes.length === 0) return { unschedulable: "no nodes available to schedule pods" };
  const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
  return { unschedulable: `0/${nodes.length} nodes are available: ${reasons.join(", ")}.` };
}

/** What a node that may take the pod is judged by. */
export interface Candidate {
  readonly name: string;
  readonly avoided: number;
  readonly preferred: number;
  readonly podCount: number;
}

export function candidateOf(pod: Pod, node: Node, usage: ReadonlyMap<string, NodeUsage>): Candidate {
  const name = node.metadata?.name ?? "";
  return {
    name,
    avoided: untolerated(pod, node, "PreferNoSchedule").length,
    preferred: preferenceFor(pod, node),
    podCount: usage.get(name)?.podCount ?? 0,
  };
}

export function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.avoided !== b.avoided) return a.avoided < b.avoided;
  if (a.preferred !== b.preferred) return a.preferred > b.preferred;
  return a.podCount === b.podCount ? a.name < b.name : a.podCount < b.podCount;
}

const cordoned = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };

/** Why the node does not take the pod; none where it does. */
export function refusalsOf(pod: Pod, node: Node, usage: NodeUsage | undefined): readonly string[] {
  const standing = standingRefusal(pod, node);
  if (standing !== undefined && standing !== noPodCidr) return [standing];
  if (portsCollide(pod, usage)) return ["node(s) didn't have free ports for the requested pod ports"];
  const shortage = shortages(pod, node, usage);
  if (shortage.length > 0) return shortage;
  return standing === undefined ? [] : [standing];
}

const noPodCidr = "node(s) had no pod CIDR";

/** Why the node does not take the pod, whatever stands there. */
export function standingRefusal(pod: Pod, node: Node): string | undefined {
  const { spec, metadata } = node;
  const mayCome = (taint: Taint) => pod.spec?.tolerations.some((toleration) => tolerates(toleration, taint)) ?? false;
  if (metadata?.deletionTimestamp !== undefined) return "node(s) were unschedulable";
  if (spec?.unschedulable === true && !mayCome(cordoned)) return "node(s) were unschedulable";
  const [taint] = untolerated(pod, node, "NoSchedule", "NoExecute");
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
  if (!isWantedNode(pod, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (pod.spec?.hostNetwork !== true && (spec?.podCIDR ?? "") === "") return noPodCidr;
  return undefined;
}

function untolerated({ spec }: Pod, node: Node, ...effects: readonly string[]): readonly Taint[] {
  return taintsOf(node).filter(
    (taint) => effects.includes(taint.effect ?? "") && !spec?.tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
