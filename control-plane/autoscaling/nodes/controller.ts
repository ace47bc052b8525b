/* Keeps node groups at the size that pods ask for, as Kubernetes' Cluster Autoscaler does. It decides how many nodes a group wants and which of
 * them may go; who makes hosts and removes them is the group's provider (embedded: the supervisor). A group without one says what it would do.
 *
 *   node of a group:  needed ─ unneeded for 10 min ─▶ tainted: its pods are evicted ─ none is left ─▶ removable: its provider's
 *                                                        └─ not in 10 min ─▶ needed */

import { timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { nodeGroupKind } from "#core/objects/node-group.ts";
import { podKind } from "#core/objects/pod.ts";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";
import type { Node, NodeGroup, NodeGroupStatus, Pod } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../../events/recorder.ts";
import { evictPod } from "../../server/evict.ts";
import type { Loop, Surroundings } from "../../state/follow.ts";
import { listObjects, metadataOf, nameOf, updateObject } from "../../state/objects.ts";
import { hasEnded } from "../../workloads/pod-state.ts";
import { type GroupState, groupStateOf, isDaemon, toBeDeletedTaint } from "./node-group-state.ts";
import { planScaleDown } from "./scale-down.ts";
import { planScaleUp } from "./scale-up.ts";

/** The Cluster Autoscaler's --scan-interval, --scale-down-unneeded-time, --scale-down-delay-after-add and …-after-failure, in seconds. */
const scanSeconds = 10;
const unneededSeconds = 600;
const afterAddSeconds = 600;
const afterFailureSeconds = 180;
/** --max-graceful-termination-sec and --max-node-provision-time. */
const drainSeconds = 600;
const provisionSeconds = 900;

export type NodesSurroundings = Surroundings & { readonly events: EventRecorder };

export function nodeAutoscaler(surroundings: NodesSurroundings): Loop {
  const { store, clock } = surroundings;
  let unneededSinceMs: ReadonlyMap<string, number> = new Map();
  let failedMs = Number.NEGATIVE_INFINITY;
  const read = () => {
    const nodes = listObjects(store, nodeKind).map(({ object }) => object);
    const groups = listObjects(store, nodeGroupKind).map(({ object }) => ({ object, state: groupStateOf(object, nodes) }));
    return { nodes, groups, pods: listObjects(store, podKind).map(({ object }) => object) };
  };
  return {
    name: "node autoscaler",
    prefixes: ["nodegroups/"],
    async run() {
      if (listObjects(store, nodeGroupKind).length === 0) return undefined;
      const before = read();
      for (const { object, state } of before.groups) {
        await keepStatus(object, state, surroundings);
        for (const node of state.leaving)
          if (!(await drain(node, object, before.pods, surroundings))) failedMs = clock.monotonicMs();
      }
      const grown = await grow(read(), surroundings);
      if (grown) unneededSinceMs = new Map();
      else {
        const quietMs = clock.monotonicMs() - failedMs;
        unneededSinceMs = await shrink(
          read(),
          { unneededSinceMs, mayRemove: quietMs >= clock.timerMs(afterFailureSeconds) },
          surroundings,
        );
      }
      return clock.timerMs(scanSeconds);
    },
  };
}

interface Everything {
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly groups: readonly { readonly object: NodeGroup; readonly state: GroupState }[];
}

/** What it counts, and that nobody waits for ever for a node that does not come. */
async function keepStatus(group: NodeGroup, { members, leaving, target }: GroupState, context: NodesSurroundings): Promise<void> {
  const { clock } = context;
  const there = new Set(leaving.map(nameOf));
  const grownMs = Date.parse(group.status?.lastScaleUpTime ?? "");
  const isLate = members.length < target && clock.wallMs() - grownMs > clock.timerMs(provisionSeconds);
  const wrote = await changeStatus(group, context, (status) => ({
    ...status,
    size: members.length + leaving.length,
    targetSize: isLate ? Math.max(members.length, group.spec?.minSize ?? 0) : target,
    removableNodes: status.removableNodes.filter((name) => there.has(name)),
  }));
  if (wrote && isLate)
    tell(
      context,
      nodeGroupKind,
      group,
      "Warning",
      "ScaleUpTimedOut",
      `Nodes added to group ${nameOf(group)} failed to register within 15m0s`,
    );
}

/** Whether a group was asked for more nodes. */
async function grow({ groups, nodes, pods }: Everything, context: NodesSurroundings): Promise<boolean> {
  const { growth, refused } = planScaleUp({ groups: groups.map(({ state }) => state), nodes, pods });
  for (const { pod, message } of refused) tell(context, podKind, pod, "Normal", "NotTriggerScaleUp", message);
  if (growth === undefined) return false;
  const { group, add } = growth;
  const object = groups.find(({ state }) => state === group)?.object;
  if (object === undefined) return false;
  const next = group.target + add;
  if (!hasProvider(object)) {
    tell(
      context,
      nodeGroupKind,
      object,
      "Normal",
      "ScaleUp",
      `would set group ${group.name} size to ${next} instead of ${group.target} (max: ${group.max}): it has no provider`,
    );
    return false;
  }
  const wrote = await changeStatus(object, context, (status) => ({
    ...status,
    targetSize: next,
    lastScaleUpTime: timestamp(context.clock),
  }));
  if (!wrote) return false;
  tell(
    context,
    nodeGroupKind,
    object,
    "Normal",
    "ScaledUpGroup",
    `Scale-up: setting group ${group.name} size to ${next} instead of ${group.target} (max: ${group.max})`,
  );
  for (const pod of growth.pods) {
    const change = `[{${group.name} ${group.target}->${next} (max: ${group.max})}]`;
    tell(context, podKind, pod, "Normal", "TriggeredScaleUp", `pod triggered scale-up: ${change}`);
  }
  context.log.info({ group: group.name, from: group.target, to: next, pods: growth.pods.length }, "node group grows");
  return true;
}

interface Shrinking {
  readonly unneededSinceMs: ReadonlyMap<string, number>;
  readonly mayRemove: boolean;
}

/** Answers since when which nodes are unneeded. */
async function shrink(
  { groups, nodes, pods }: Everything,
  { unneededSinceMs, mayRemove }: Shrinking,
  context: NodesSurroundings,
): Promise<ReadonlyMap<string, number>> {
  const { store, clock } = context;
  const nowMs = clock.wallMs();
  const plan = planScaleDown({
    ...{ groups: groups.map(({ state }) => state), nodes, pods, unneededSinceMs, nowMs },
    budgets: listObjects(store, podDisruptionBudgetKind).map(({ object }) => object),
    unneededMs: clock.timerMs(unneededSeconds),
  });
  if (!mayRemove) return plan.unneededSinceMs;
  for (const { group, node } of plan.remove) {
    const object = groups.find(({ state }) => state === group)?.object;
    const grownMs = Date.parse(object?.status?.lastScaleUpTime ?? "");
    if (object === undefined || nowMs - grownMs < clock.timerMs(afterAddSeconds)) continue;
    if (!hasProvider(object)) {
      tell(context, nodeGroupKind, object, "Normal", "ScaleDown", `would remove node ${nameOf(node)}: the group has no provider`);
      continue;
    }
    await beginRemoval(object, node, context);
  }
  return plan.unneededSinceMs;
}

async function beginRemoval(group: NodeGroup, node: Node, context: NodesSurroundings): Promise<void> {
  const { store, clock, log } = context;
  const taint = { key: toBeDeletedTaint, value: String(Math.floor(clock.wallMs() / 1_000)), effect: "NoSchedule" };
  await changeStatus(group, context, (status) => ({
    ...status,
    targetSize: Math.max(group.spec?.minSize ?? 0, (status.targetSize ?? 0) - 1),
    lastScaleDownTime: timestamp(clock),
  }));
  await updateObject(store, nodeKind, {
    name: nameOf(node),
    change: (now) => ({ ...now, spec: { podCIDRs: [], ...now.spec, taints: [...(now.spec?.taints ?? []), taint] } }),
  });
  tell(context, nodeKind, node, "Normal", "ScaleDown", "marked the node as toBeDeleted/unschedulable");
  tell(context, nodeGroupKind, group, "Normal", "ScaleDown", `Scale-down: removing node ${nameOf(node)}`);
  log.info({ group: nameOf(group), node: nameOf(node) }, "node group gives a node up");
}

/** Evicts what is left on the node; once nothing is, its host may go. False where it took too long, and the node stays. */
async function drain(node: Node, group: NodeGroup, pods: readonly Pod[], context: NodesSurroundings): Promise<boolean> {
  const { store, clock } = context;
  const name = nameOf(node);
  const own = pods.filter((pod) => pod.spec?.nodeName === name && !isDaemon(pod) && !hasEnded(pod));
  if (own.length === 0) {
    await changeStatus(group, context, (status) =>
      status.removableNodes.includes(name) ? status : { ...status, removableNodes: [...status.removableNodes, name] },
    );
    return true;
  }
  const sinceMs = Number(node.spec?.taints.find(({ key }) => key === toBeDeletedTaint)?.value ?? 0) * 1_000;
  if (clock.wallMs() - sinceMs > clock.timerMs(drainSeconds)) {
    await updateObject(store, nodeKind, {
      name,
      change: (now) => ({
        ...now,
        spec: { podCIDRs: [], ...now.spec, taints: (now.spec?.taints ?? []).filter(({ key }) => key !== toBeDeletedTaint) },
      }),
    });
    tell(context, nodeKind, node, "Warning", "ScaleDownFailed", "failed to drain the node, aborting ScaleDown");
    return false;
  }
  await Promise.all(own.map((pod) => evict(pod, context)));
  return true;
}

async function evict(pod: Pod, context: NodesSurroundings): Promise<void> {
  const { namespace = "", name = "", uid, deletionTimestamp } = metadataOf(pod);
  if (deletionTimestamp !== undefined) return;
  try {
    await evictPod(context.store, context.clock, { name, namespace, uid, dryRun: false });
    tell(context, podKind, pod, "Normal", "ScaleDown", "deleting pod for node scale down");
  } catch (error) {
    // A budget that forbids it now may allow it at the next look; a pod that is gone needs nothing.
    if (!isAppError(error, "exhausted", "not-found", "conflict", "failed-precondition")) throw error;
  }
}

function changeStatus(
  group: NodeGroup,
  { store }: NodesSurroundings,
  change: (status: NodeGroupStatus) => NodeGroupStatus,
): Promise<boolean> {
  return updateObject(store, nodeGroupKind, {
    name: nameOf(group),
    change(now) {
      const status = now.status ?? { removableNodes: [], conditions: [] };
      const next = { ...now, status: change(status) };
      return JSON.stringify(next.status) === JSON.stringify(status) ? undefined : next;
    },
  });
}

function hasProvider({ spec }: NodeGroup): boolean {
  return (spec?.provider ?? "") !== "";
}

function tell<T extends ApiObject>(
  { events }: NodesSurroundings,
  kind: Kind<T>,
  object: T,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
): void {
  events.record({ about: referenceTo(kind, object), type, reason, message, component: "cluster-autoscaler" });
}
