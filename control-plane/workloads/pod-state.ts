/* How far a pod is, as controllers count it. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";
import { findCondition, isReady } from "../state/conditions.ts";

/** Whether it counts: it has not ended, and nobody asked it to. */
export function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && pod.metadata?.deletionTimestamp === undefined;
}

export function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** When a pod that is Ready counts as available, in wall milliseconds; undefined for one that isn't Ready. */
export function availableFromMs(pod: Pod, minReadyMs: number): number | undefined {
  if (!isReady(pod)) return undefined;
  return minReadyMs === 0 ? 0 : (readySinceMs(pod) ?? Number.POSITIVE_INFINITY) + minReadyMs;
}

/** Undefined where nobody said since when. */
export function readySinceMs({ status }: Pod): number | undefined {
  const ms = Date.parse(findCondition(status?.conditions ?? [], "Ready")?.lastTransitionTime ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
