/* Which nodes a group can do without, as Kubernetes' Cluster Autoscaler decides it: less than half of what they have is asked for, and all
 * of their pods would find a place elsewhere, for ten minutes. Pure. */

import type { Node, Pod, PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { podsOf } from "../../disruption/budget-controller.ts";
import { allocatableOf, type NodeUsage, usageOf } from "../../scheduler/node-usage.ts";
import { createPlacer } from "../../scheduler/placer.ts";
import { isReady } from "../../state/conditions.ts";
import { controllerOf } from "../../workloads/owners.ts";
import { hasEnded } from "../../workloads/pod-state.ts";
import { type GroupState, isDaemon, isLeaving } from "./node-group-state.ts";

export interface ScaleDownQuestion {
  readonly groups: readonly GroupState[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly budgets: readonly PodDisruptionBudget[];
  /** Since when, by name, as the last answer said. */
  readonly unneededSinceMs: ReadonlyMap<string, number>;
  readonly nowMs: number;
  /** How long a node must be unneeded. */
  readonly unneededMs: number;
}

export interface ScaleDownPlan {
  readonly unneededSinceMs: ReadonlyMap<string, number>;
  /** To be drained and removed: empty ones together, others one at a time. */
  readonly remove: readonly { readonly group: GroupState; readonly node: Node }[];
  /** By name, why a node that little is asked of stays. */
  readonly blocked: ReadonlyMap<string, string>;
}

/** Its --scale-down-utilization-threshold and --max-empty-bulk-delete. */
const utilizationMax = 0.5;
const emptyAtOnceMax = 10;
const safeToEvict = "cluster-autoscaler.kubernetes.io/safe-to-evict";
const scaleDownDisabled = "cluster-autoscaler.kubernetes.io/scale-down-disabled";

export function planScaleDown(question: ScaleDownQuestion): ScaleDownPlan {
  const { groups, nodes, pods, unneededSinceMs, nowMs, unneededMs } = question;
  const usage = usageOf(pods);
  const byNode = Map.groupBy(pods, (pod) => pod.spec?.nodeName ?? "");
  const since = new Map<string, number>();
  const blocked = new Map<string, string>();
  const remove: { group: GroupState; node: Node; isEmpty: boolean }[] = [];
  for (const group of groups) {
    for (const node of group.members) {
      const name = node.metadata?.name ?? "";
      if (!isReady(node) || utilizationOf(node, usage.get(name)) >= utilizationMax) continue;
      const own = (byNode.get(name) ?? []).filter((pod) => !isDaemon(pod) && !hasEnded(pod));
      const why = reasonToStay(node, own, question);
      if (why !== undefined) {
        blocked.set(name, why);
        continue;
      }
      const sinceMs = unneededSinceMs.get(name) ?? nowMs;
      since.set(name, sinceMs);
      if (nowMs - sinceMs >= unneededMs) remove.push({ group, node, isEmpty: own.length === 0 });
    }
  }
  // One step at a time: where pods go that are evicted is seen before the next ones are.
  const isBusy = nodes.some(isLeaving);
  const newestFirst = remove.toSorted((a, b) => (isNewer(a.node, b.node) ? -1 : 1));
  return { unneededSinceMs: since, blocked, remove: isBusy ? [] : withinBounds(newestFirst) };
}

function isNewer(a: Node, b: Node): boolean {
  const [ours = "", theirs = ""] = [a, b].map(({ metadata }) => metadata?.creationTimestamp);
  if (ours !== theirs) return ours > theirs;
  return (a.metadata?.name ?? "").localeCompare(b.metadata?.name ?? "", "en", { numeric: true }) > 0;
}

function withinBounds(candidates: readonly { group: GroupState; node: Node; isEmpty: boolean }[]): ScaleDownPlan["remove"] {
  const left = new Map<string, number>();
  const allowed = candidates.filter(({ group, isEmpty }) => {
    if (!isEmpty) return false;
    const size = left.get(group.name) ?? Math.min(group.target, group.members.length);
    if (size <= group.min) return false;
    left.set(group.name, size - 1);
    return true;
  });
  if (allowed.length > 0) return allowed.slice(0, emptyAtOnceMax);
  return candidates.filter(({ group }) => Math.min(group.target, group.members.length) > group.min).slice(0, 1);
}

/** The larger share of cpu and memory that the node's pods ask for. */
export function utilizationOf(node: Node, usage: NodeUsage | undefined): number {
  const shares = ["cpu", "memory"].map((name) => {
    const whole = Number(allocatableOf(node).get(name) ?? 0n);
    return whole === 0 ? 0 : Number(usage?.requested.get(name) ?? 0n) / whole;
  });
  return Math.max(...shares);
}

function reasonToStay(node: Node, own: readonly Pod[], { nodes, pods, budgets }: ScaleDownQuestion): string | undefined {
  if (node.metadata?.annotations[scaleDownDisabled] === "true") return `the node has the annotation ${scaleDownDisabled}`;
  for (const pod of own) {
    const why = reasonNotToMove(pod, budgets);
    if (why !== undefined) return `pod ${pod.metadata?.namespace}/${pod.metadata?.name} ${why}`;
  }
  if (own.length === 0) return undefined;
  const name = node.metadata?.name;
  const others = nodes.filter((other) => other !== node && isReady(other) && !isLeaving(other));
  const place = createPlacer(others, usageOf(pods.filter((pod) => pod.spec?.nodeName !== name)));
  const homeless = own.find((pod) => !("node" in place({ ...pod, spec: pod.spec && { ...pod.spec, nodeName: undefined } })));
  if (homeless === undefined) return undefined;
  return `pod ${homeless.metadata?.namespace}/${homeless.metadata?.name} would find no place elsewhere`;
}

/** In the order of the Cluster Autoscaler's FAQ, "What types of pods can prevent CA from removing a node?" */
function reasonNotToMove(pod: Pod, budgets: readonly PodDisruptionBudget[]): string | undefined {
  const { metadata, spec } = pod;
  const safe = metadata?.annotations[safeToEvict];
  const covering = budgets.filter((budget) => podsOf(budget, [pod]).length > 0);
  if (covering.some(({ status }) => (status?.disruptionsAllowed ?? 0) < 1)) return "is protected by a PodDisruptionBudget";
  if (safe === "true") return undefined;
  if (safe === "false") return `has the annotation ${safeToEvict}: "false"`;
  if (metadata?.namespace === "kube-system" && covering.length === 0) return "is of kube-system and has no PodDisruptionBudget";
  if (controllerOf(pod) === undefined) return "has no controller that would make it anew";
  if (spec?.volumes.some(({ emptyDir, hostPath }) => emptyDir !== undefined || hostPath !== undefined))
    return "has local storage";
  return undefined;
}
