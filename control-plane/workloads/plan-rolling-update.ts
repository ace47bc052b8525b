/* The next step of a rolling update: which ReplicaSets become larger or smaller, none where it must wait. Pure.
 *
 * (1) Never more than replicas + maxSurge pods that nobody asked to end.
 * (2) Never a step that leaves fewer than replicas − maxUnavailable available pods. */

import { byAge } from "#core/rollout.ts";
import type { Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { availableOf, type Bounds, boundsOf, presentOf, type Scale, sizeOf, sum } from "./rollout-size.ts";

export interface Versions {
  /** Of the present template. */
  readonly newSet: ReplicaSet;
  readonly oldSets: readonly ReplicaSet[];
}

export function planRollingUpdate(deployment: Deployment, { newSet, oldSets }: Versions): Scale[] {
  const bounds = boundsOf(deployment);
  const size = newSize(bounds, newSet, oldSets);
  if (size !== sizeOf(newSet)) return [{ set: newSet, size }];
  return shrinkOld(bounds, { newSet, oldSets });
}

/** How large the set of the present template may be now; `newSet` is absent while it isn't made. */
export function newSize({ replicas, surge }: Bounds, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): number {
  const has = newSet === undefined ? 0 : sizeOf(newSet);
  if (has >= replicas) return replicas;
  const present = sum(newSet === undefined ? oldSets : [...oldSets, newSet], presentOf);
  return Math.min(replicas, has + Math.max(0, replicas + surge - present));
}

function shrinkOld({ replicas, unavailable }: Bounds, { newSet, oldSets }: Versions): Scale[] {
  const shrinkable = oldSets.filter((set) => sizeOf(set) > 0).sort(byAge);
  const minAvailable = replicas - unavailable;
  const newUnavailable = sizeOf(newSet) - availableOf(newSet);
  const most = sizeOf(newSet) + sum(shrinkable, sizeOf) - minAvailable - newUnavailable;
  if (most <= 0) return [];
  // Pods that aren't available are no loss: they go first, or a broken version would hold the rollout up for ever.
  const unhealthy = take(shrinkable, most, (set) => sizeOf(set) - availableOf(set));
  const available = availableOf(newSet) + sum(shrinkable, availableOf);
  const healthy = take(shrinkable, Math.max(0, available - minAvailable), availableOf);
  return shrinkable.flatMap((set, i) => {
    const size = sizeOf(set) - (unhealthy[i] ?? 0) - (healthy[i] ?? 0);
    return size === sizeOf(set) ? [] : [{ set, size }];
  });
}

/** From the first sets on, as much as each has, `most` of all. */
function take(sets: readonly ReplicaSet[], most: number, has: (set: ReplicaSet) => number): number[] {
  let left = most;
  return sets.map((set) => {
    const taken = Math.min(left, has(set));
    left -= taken;
    return taken;
  });
}
