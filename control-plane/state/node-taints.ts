/* Which taints a node has: those that users gave it, and those that follow from how it is, as Kubernetes' node lifecycle controller sets
 * them. Pure. */

import type { Node, Taint } from "#proto/podwire/v1/resources.ts";
import { findCondition } from "./conditions.ts";

const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";
const unschedulable = "node.kubernetes.io/unschedulable";
const ownKeys = new Set([notReady, unreachable, unschedulable]);

/** What must be true of the node's taints now, whatever its spec says yet; a new node that says nothing of itself takes no pods. */
export function taintsOf(node: Node): readonly Taint[] {
  const wanted = wantedTaints(node);
  const fresh = findCondition(node.status?.conditions ?? [], "Ready") === undefined;
  return fresh ? [...wanted, { key: notReady, effect: "NoSchedule" }] : wanted;
}

/** Whether a node that is lost drives its pods away: eviction-pace.ts says when it begins and when it stops. */
export type Driving = "keep" | "begin" | "stop";

/** The taints that the node's spec should have: users' own in their order, then those that follow from its state. */
export function wantedTaints({ spec, status }: Node, driving: Driving = "keep"): readonly Taint[] {
  const present = spec?.taints ?? [];
  const ready = findCondition(status?.conditions ?? [], "Ready")?.status;
  const following: Taint[] = [];
  if (spec?.unschedulable === true) following.push({ key: unschedulable, effect: "NoSchedule" });
  if (ready === "False" || ready === "Unknown") {
    const key = ready === "False" ? notReady : unreachable;
    following.push({ key, effect: "NoSchedule" });
    if (driving === "begin" || (driving === "keep" && present.some(isDriving))) following.push({ key, effect: "NoExecute" });
  }
  const kept = following.map((taint) => present.find((other) => isSame(other, taint)) ?? taint);
  return [...present.filter(({ key = "" }) => !ownKeys.has(key)), ...kept];
}

/** The node with these taints, those that drive pods away with the time since when; the same node where nothing changes. */
export function withTaints(node: Node, now: string, driving: Driving = "keep"): Node {
  const present = node.spec?.taints ?? [];
  const taints = wantedTaints(node, driving).map((taint) =>
    taint.effect === "NoExecute" && (taint.timeAdded ?? "") === "" ? { ...taint, timeAdded: now } : taint,
  );
  if (taints.length === present.length && taints.every((taint, i) => taint === present[i])) return node;
  return { ...node, spec: { podCIDRs: [], ...node.spec, taints } };
}

/** Since when, in wall milliseconds, the node's state drives its pods away; undefined where it doesn't. */
export function drivesSinceMs({ spec }: Node): number | undefined {
  const taint = spec?.taints.find(isDriving);
  return taint === undefined ? undefined : Date.parse(taint.timeAdded ?? "") || 0;
}

function isDriving({ key, effect }: Taint): boolean {
  return effect === "NoExecute" && (key === notReady || key === unreachable);
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
