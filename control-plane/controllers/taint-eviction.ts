/* Drives pods from nodes with a NoExecute taint that they do not tolerate, or no longer, as Kubernetes' taint eviction controller does.
 * How long a pod has stayed counts from when the taint came, which the taint says. */

import { type Clock, timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { tolerates } from "#core/objects/pod-placement.ts";
import type { Pod, Taint } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import { endingOf } from "../server/delete.ts";
import type { Leases } from "../sessions/leases.ts";
import { setCondition } from "../state/conditions.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { wantedTaints } from "../state/node-taints.ts";
import { type Found, listObjects, metadataOf, nameOf, unchanged } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

export function taintEviction(
  { store, clock, log, events }: Surroundings & { readonly events: EventRecorder },
  leases: Leases,
): Loop {
  return {
    name: "taint eviction",
    prefixes: ["nodes/", "pods/"],
    async run() {
      const nowMs = clock.wallMs();
      let nextMs: number | undefined;
      for (const { found, atMs } of evictionsOf(store, leases, clock)) {
        if (atMs > nowMs) {
          nextMs = Math.min(nextMs ?? atMs - nowMs, atMs - nowMs);
          continue;
        }
        const pod = `${metadataOf(found.object).namespace}/${nameOf(found.object)}`;
        if (!(await evict(store, found, clock))) continue;
        const message = `Marking for deletion Pod ${pod}`;
        const about = referenceTo(podKind, found.object);
        events.record({ about, type: "Normal", reason: "TaintManagerEviction", message, component: "taint-eviction-controller" });
        log.info({ pod, node: found.object.spec?.nodeName }, "evicted a pod from a tainted node");
      }
      return nextMs;
    },
  };
}

interface Eviction {
  readonly found: Found<Pod>;
  readonly atMs: number;
}

function evictionsOf(store: Store, leases: Leases, clock: Clock): readonly Eviction[] {
  const nowMs = clock.wallMs();
  const driving = new Map<string, Driving>();
  for (const { object } of listObjects(store, nodeKind)) {
    const taints = wantedTaints(object).filter(({ effect }) => effect === "NoExecute");
    // After a start of the control plane an agent has a moment to come back, however long it was away.
    const graceMs = taints.some(({ key }) => isOfState(key)) ? leases.remainingMs(nameOf(object)) : 0;
    if (taints.length > 0) driving.set(nameOf(object), { taints, earliestMs: nowMs + Math.max(0, graceMs) });
  }
  if (driving.size === 0) return [];
  return listObjects(store, podKind).flatMap((found) => {
    const from = driving.get(found.object.spec?.nodeName ?? "");
    if (from === undefined || metadataOf(found.object).deletionTimestamp !== undefined) return [];
    const atMs = evictionMs(found.object, from.taints, clock);
    return atMs === undefined ? [] : [{ found, atMs: Math.max(atMs, from.earliestMs) }];
  });
}

interface Driving {
  readonly taints: readonly Taint[];
  readonly earliestMs: number;
}

function isOfState(key = ""): boolean {
  return key === "node.kubernetes.io/not-ready" || key === "node.kubernetes.io/unreachable";
}

/** When the pod must go from a node with these NoExecute taints; undefined for never. */
export function evictionMs({ spec }: Pod, taints: readonly Taint[], clock: Clock): number | undefined {
  const nowMs = clock.wallMs();
  const times = taints.flatMap((taint) => {
    const tolerations = spec?.tolerations.filter((toleration) => tolerates(toleration, taint)) ?? [];
    if (tolerations.length === 0) return [nowMs];
    const seconds = tolerations.flatMap(({ tolerationSeconds }) => (tolerationSeconds === undefined ? [] : [tolerationSeconds]));
    if (seconds.length === 0) return [];
    const addedMs = Date.parse(taint.timeAdded ?? "");
    return [(Number.isNaN(addedMs) ? nowMs : addedMs) + clock.timerMs(Math.max(0, Math.min(...seconds)))];
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

/** False where somebody else wrote first, who has woken this loop again. */
async function evict(store: Store, { entry, object }: Found<Pod>, clock: Clock): Promise<boolean> {
  const marked =
    object.status === undefined ? object : { ...object, status: { ...object.status, conditions: disrupted(object, clock) } };
  const options = { store, nowMs: clock.wallMs(), gracePeriodSeconds: undefined };
  const { writes } = endingOf(podKind as never, marked, options);
  try {
    await store.commit({ checks: [unchanged(entry)], writes });
    return true;
  } catch (error) {
    if (!isAppError(error, "conflict")) throw error;
    return false;
  }
}

function disrupted({ status }: Pod, clock: Clock) {
  const message = "Taint manager: deleting due to NoExecute taint";
  const wanted = { type: "DisruptionTarget", status: "True", reason: "DeletionByTaintManager", message } as const;
  return [...setCondition(status?.conditions ?? [], wanted, timestamp(clock))];
}
