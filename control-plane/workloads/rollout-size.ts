/* How many pods a Deployment's rollout may have and must have, and which of its ReplicaSets has how many. Pure. */

import { scaledValue } from "#core/int-or-percent.ts";
import { byAge, desiredReplicasAnnotation, maxReplicasAnnotation } from "#core/rollout.ts";
import type { Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";

export interface Bounds {
  readonly replicas: number;
  /** How many there may be beyond `replicas`. */
  readonly surge: number;
  /** How many may be missing. */
  readonly unavailable: number;
}

/** A share of surge is rounded up, of unavailability down; both 0 would never move. */
export function boundsOf({ spec }: Deployment): Bounds {
  const replicas = spec?.replicas ?? 1;
  if (!isRolling(spec)) return { replicas, surge: 0, unavailable: 0 };
  const { maxSurge, maxUnavailable } = spec?.strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, "up");
  const unavailable = Math.min(scaledValue(maxUnavailable, replicas, "down"), replicas);
  return { replicas, surge, unavailable: surge === 0 && unavailable === 0 && replicas > 0 ? 1 : unavailable };
}

export function isRolling(spec: Deployment["spec"]): boolean {
  return spec?.strategy?.type !== "Recreate";
}

export function sizeOf({ spec }: ReplicaSet): number {
  return spec?.replicas ?? 0;
}

/** Those that stay available when the set has carried out what it was told. */
export function availableOf(set: ReplicaSet): number {
  return Math.min(sizeOf(set), set.status?.availableReplicas ?? 0);
}

/** The pods that it has or will have: one that was scaled down has them all until it has carried that out. */
export function presentOf(set: ReplicaSet): number {
  return Math.max(sizeOf(set), set.status?.replicas ?? 0);
}

export function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + count(set), 0);
}

export interface Scale {
  readonly set: ReplicaSet;
  readonly size: number;
}

/** Which Deployment size a set was scaled for; undefined where it doesn't say. */
export function desiredFor({ metadata }: ReplicaSet): number | undefined {
  const text = metadata?.annotations[desiredReplicasAnnotation];
  return text === undefined ? undefined : Number(text);
}

/**
 * A change of the Deployment's own size in the middle of a rollout: sets with pods grow and shrink in proportion to what they have,
 * and the largest takes what rounding leaves.
 */
export function proportionalScales(deployment: Deployment, sets: readonly ReplicaSet[]): Scale[] {
  const { replicas, surge } = boundsOf(deployment);
  const active = sets.filter((set) => sizeOf(set) > 0);
  const toAdd = (replicas > 0 ? replicas + surge : 0) - sum(active, sizeOf);
  const newerFirst = toAdd > 0 ? -1 : 1;
  const ordered = active.toSorted((a, b) => sizeOf(b) - sizeOf(a) || newerFirst * byAge(a, b));
  let left = toAdd;
  const scales = ordered.map((set): Scale => {
    const part = partOf(deployment, set, left);
    left -= part;
    return { set, size: sizeOf(set) + part };
  });
  return scales.map((scale, i) => (i === 0 ? { ...scale, size: Math.max(0, scale.size + left) } : scale));
}

/** Its part of `left`, which is below 0 where sets shrink. */
function partOf(deployment: Deployment, set: ReplicaSet, left: number): number {
  if (left === 0) return 0;
  const { replicas, surge } = boundsOf(deployment);
  const before = Number(set.metadata?.annotations[maxReplicasAnnotation] ?? deployment.status?.replicas) || 1;
  const part = replicas === 0 ? -sizeOf(set) : Math.round((sizeOf(set) * (replicas + surge)) / before) - sizeOf(set);
  return left > 0 ? Math.min(Math.max(0, part), left) : Math.max(Math.min(0, part), left);
}
