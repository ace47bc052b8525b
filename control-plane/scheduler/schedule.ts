/* Which node a pod gets: the one with the fewest pods among those that would take it, the first by name where several have as few.
 * Pure: it decides from what it is given, the loop in run.ts acts. */

import type { Node, Pod } from "#proto/podwire/v1/resources.ts";

export type Decision =
  | { readonly node: string }
  /** In kubectl's words: "0/3 nodes are available: 3 node(s) were unschedulable." */
  | { readonly unschedulable: string };

export interface ScheduleQuestion {
  readonly pod: Pod;
  readonly nodes: readonly Node[];
  /** How many pods each node holds that have not ended. */
  readonly podCounts: ReadonlyMap<string, number>;
}

export function schedule({ pod, nodes, podCounts }: ScheduleQuestion): Decision {
  const refusals = new Map<string, number>();
  let best: { readonly name: string; readonly podCount: number } | undefined;
  for (const node of nodes) {
    const name = node.metadata?.name ?? "";
    const refusal = refusalOf(pod, node);
    if (refusal !== undefined) {
      refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      continue;
    }
    const podCount = podCounts.get(name) ?? 0;
    if (best === undefined || podCount < best.podCount || (podCount === best.podCount && name < best.name)) {
      best = { name, podCount };
    }
  }
  if (best !== undefined) return { node: best.name };
  if (nodes.length === 0) return { unschedulable: "no nodes available to schedule pods" };
  const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`).sort();
  return { unschedulable: `0/${nodes.length} nodes are available: ${reasons.join(", ")}.` };
}

/** Whether the pod counts for its node: it is bound there and has not ended. */
export function occupies(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (pod.spec?.nodeName ?? "") !== "" && phase !== "Succeeded" && phase !== "Failed";
}

/** Why the node does not take the pod, the first reason that holds; undefined where it does. */
function refusalOf(pod: Pod, node: Node): string | undefined {
  if (node.spec?.unschedulable === true || node.metadata?.deletionTimestamp !== undefined) return "node(s) were unschedulable";
  if (!node.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True")) return "node(s) were not ready";
  const labels = node.metadata?.labels ?? {};
  const selector = Object.entries(pod.spec?.nodeSelector ?? {});
  if (selector.some(([key, value]) => labels[key] !== value)) return "node(s) didn't match Pod's node affinity/selector";
  if (pod.spec?.hostNetwork !== true && (node.spec?.podCIDR ?? "") === "") return "node(s) had no pod CIDR";
  return undefined;
}
