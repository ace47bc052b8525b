/* Which node group grows, and by how much, for pods that no node takes: as Kubernetes' Cluster Autoscaler decides it
 * (https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md), with the expander "least-waste". Pure.
 *
 * Pods are placed on nodes that there are, then on those that are on their way, then on pretended ones, by the scheduler's own rules. */

import { nodeGroupLabel } from "#core/objects/node-group.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { addPod, allocatableOf, demandOf, type NodeUsage, usageOf } from "../../scheduler/node-usage.ts";
import { createPlacer } from "../../scheduler/placer.ts";
import { refusalsOf } from "../../scheduler/schedule.ts";
import { findCondition, isReady } from "../../state/conditions.ts";
import { type GroupState, isDaemon } from "./node-group-state.ts";

export interface ScaleUpQuestion {
  readonly groups: readonly GroupState[];
  /** All of the cluster. */
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
}

export interface ScaleUpPlan {
  readonly growth?: { readonly group: GroupState; readonly add: number; readonly pods: readonly Pod[] };
  /** Pods for which no group grows, with the Cluster Autoscaler's words for why. */
  readonly refused: readonly { readonly pod: Pod; readonly message: string }[];
}

const atMax = "max node group size reached";

export function planScaleUp({ groups, nodes, pods }: ScaleUpQuestion): ScaleUpPlan {
  const pending = pods.filter(isUnschedulable);
  if (pending.length === 0) return { refused: [] };
  const standing = nodes.filter(isReady);
  const coming = groups.flatMap((group) =>
    pretended(group, nodes, Math.max(0, group.target - group.members.filter(isReady).length)),
  );
  const place = createPlacer([...standing, ...coming], usageOf(pods));
  const waiting = pending.filter((pod) => !("node" in place(pod)));
  if (waiting.length === 0) return { refused: [] };
  const options = groups.map((group) => optionOf(group, nodes, pods, waiting));
  const [best] = options.filter(({ add }) => add > 0).sort(byWaste);
  const helped = new Set(best?.pods);
  const refused = waiting
    .filter((pod) => !helped.has(pod))
    .map((pod) => ({ pod, message: whyNot(options.map(({ refusals }) => refusals.get(pod) ?? atMax)) }));
  return best === undefined ? { refused } : { growth: { group: best.group, add: best.add, pods: best.pods }, refused };
}

/** The scheduler has tried, and nobody has given it a node. */
function isUnschedulable(pod: Pod): boolean {
  const { reason, status } = findCondition(pod.status?.conditions ?? [], "PodScheduled") ?? {};
  const isOpen = (pod.spec?.nodeName ?? "") === "" && pod.metadata?.deletionTimestamp === undefined;
  return isOpen && status === "False" && reason === "Unschedulable" && !isDaemon(pod);
}

interface Option {
  readonly group: GroupState;
  readonly add: number;
  readonly pods: readonly Pod[];
  /** The share of the new nodes' cpu and memory that nobody asks for. */
  readonly waste: number;
  readonly refusals: ReadonlyMap<Pod, string>;
}

function optionOf(group: GroupState, nodes: readonly Node[], pods: readonly Pod[], waiting: readonly Pod[]): Option {
  const refusals = new Map<Pod, string>();
  const [template] = pretended(group, nodes, 1);
  const room = group.max - group.target;
  if (template === undefined) {
    for (const pod of waiting) refusals.set(pod, "no node to go by");
    return { group, add: 0, pods: [], waste: 1, refusals };
  }
  const daemons = daemonsOf(group, pods);
  const taken = usageWith(template, daemons).get(nameOf(template));
  const fitting = waiting.filter((pod) => {
    const [reason] = refusalsOf(pod, template, taken);
    if (reason !== undefined) refusals.set(pod, reason);
    return reason === undefined;
  });
  let left = fitting;
  const added: Node[] = [];
  const placed: Pod[] = [];
  for (const node of pretended(group, nodes, Math.min(Math.max(0, room), fitting.length))) {
    if (left.length === 0) break;
    const place = createPlacer([node], usageWith(node, daemons));
    const rest: Pod[] = [];
    for (const pod of left) ("node" in place(pod) ? placed : rest).push(pod);
    left = rest;
    added.push(node);
  }
  for (const pod of left) refusals.set(pod, atMax);
  return { group, add: added.length, pods: placed, waste: wasteOf(template, added.length, placed), refusals };
}

function byWaste(a: Option, b: Option): number {
  return a.waste - b.waste || b.pods.length - a.pods.length || (a.group.name < b.group.name ? -1 : 1);
}

/** Nodes as the group would get them: like one that it has, or else like any, and empty. */
function pretended(group: GroupState, nodes: readonly Node[], count: number): readonly Node[] {
  const like = group.members.find(isReady) ?? nodes.find(isReady);
  if (like === undefined) return [];
  const taints = (like.spec?.taints ?? []).filter(({ key = "" }) => !key.startsWith("node.kubernetes.io/"));
  return Array.from({ length: count }, (_, i) => {
    const name = `${group.name}/${i}`;
    const labels = { ...like.metadata?.labels, "kubernetes.io/hostname": name, [nodeGroupLabel]: group.name };
    return {
      ...like,
      metadata: like.metadata && { ...like.metadata, name, labels, deletionTimestamp: undefined },
      spec: {
        podCIDRs: [],
        ...like.spec,
        podCIDR: "pretended",
        unschedulable: false,
        taints: group.members.includes(like) ? taints : [],
      },
    };
  });
}

/** Those of one of its nodes: a new one would have as many. */
function daemonsOf({ members }: GroupState, pods: readonly Pod[]): readonly Pod[] {
  const like = members.find(isReady)?.metadata?.name;
  return like === undefined ? [] : pods.filter((pod) => isDaemon(pod) && pod.spec?.nodeName === like);
}

function usageWith(node: Node, pods: readonly Pod[]): Map<string, NodeUsage> {
  const usage = new Map<string, NodeUsage>();
  for (const pod of pods) addPod(usage, nameOf(node), pod);
  return usage;
}

function wasteOf(template: Node, count: number, pods: readonly Pod[]): number {
  const shares = ["cpu", "memory"].map((name) => {
    const whole = Number(allocatableOf(template).get(name) ?? 0n) * count;
    const asked = pods.reduce((sum, pod) => sum + Number(demandOf(pod).requests.get(name) ?? 0n), 0);
    return whole === 0 ? 1 : Math.max(0, 1 - asked / whole);
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** "1 max node group size reached, 1 Insufficient cpu" */
function whyNot(reasons: readonly string[]): string {
  const counts = Map.groupBy(reasons, (reason) => reason);
  const words = [...counts].map(([reason, same]) => `${same.length} ${reason}`).sort();
  return `pod didn't trigger scale-up: ${words.length === 0 ? "there is no node group" : words.join(", ")}`;
}

function nameOf({ metadata }: Node): string {
  return metadata?.name ?? "";
}
