/* What the deletion of objects does to those that they own (https://kubernetes.io/docs/concepts/architecture/garbage-collection/). Pure.
 *
 *   background   the owner goes; what has no owner left goes after it
 *   foreground   the owner waits, with the finalizer foregroundDeletion, until nothing that blocks it is left
 *   orphan       the owner waits, with the finalizer orphan, until nothing names it as an owner
 *
 * Owners of a kind that the cluster doesn't know count as there: nobody can say that they are gone. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { OwnerReference } from "#proto/podwire/v1/resources.ts";
import { foregroundFinalizer, orphanFinalizer, type Propagation } from "../server/propagation.ts";

/** One stored object. */
export interface Item {
  readonly kind: Kind;
  readonly object: ApiObject;
}

export type Step<T extends Item> =
  | { readonly type: "delete"; readonly item: T; readonly propagation: Propagation }
  /** Takes owners that are gone, or that wait for it, from an object that has others. */
  | { readonly type: "disown"; readonly item: T; readonly uids: ReadonlySet<string> }
  /** Lets an owner go, and at the same moment frees those whose owner it was. */
  | { readonly type: "finish"; readonly item: T; readonly finalizer: string; readonly disown: readonly T[] };

export function planCollection<T extends Item>(items: readonly T[]): Step<T>[] {
  const byUid = new Map(items.map((item) => [uidOf(item), item]));
  const find = (item: T, reference: OwnerReference) => {
    const owner = byUid.get(reference.uid ?? "");
    return owner !== undefined && isReferenced(owner, reference, item) ? owner : undefined;
  };
  const owned = items.filter(({ object }) => (object.metadata?.ownerReferences.length ?? 0) > 0);
  const dependents = dependentsOf(owned, find);
  return [
    ...owned.flatMap((item) => stepsFor(item, find, dependents)),
    ...items.flatMap((item) => finishOf(item, dependents.get(item) ?? [])),
  ];
}

/** What lets an owner go whose deletion has begun, once it may. */
function finishOf<T extends Item>(item: T, own: readonly T[]): Step<T>[] {
  if (!isEnding(item)) return [];
  if (hasFinalizer(item, orphanFinalizer)) return [{ type: "finish", item, finalizer: orphanFinalizer, disown: own }];
  if (!hasFinalizer(item, foregroundFinalizer) || own.some((one) => blocks(one, item))) return [];
  return [{ type: "finish", item, finalizer: foregroundFinalizer, disown: [] }];
}

type FindOwner<T> = (item: T, reference: OwnerReference) => T | undefined;

function dependentsOf<T extends Item>(owned: readonly T[], find: FindOwner<T>): ReadonlyMap<T, readonly T[]> {
  const dependents = new Map<T, T[]>();
  for (const item of owned) {
    for (const reference of item.object.metadata?.ownerReferences ?? []) {
      const owner = find(item, reference);
      if (owner === undefined) continue;
      const list = dependents.get(owner);
      if (list === undefined) dependents.set(owner, [item]);
      else list.push(item);
    }
  }
  return dependents;
}

function stepsFor<T extends Item>(item: T, find: FindOwner<T>, dependents: ReadonlyMap<T, readonly T[]>): Step<T>[] {
  if (isEnding(item)) return [];
  const gone = new Set<string>();
  const waiting = new Set<string>();
  let solid = 0;
  for (const reference of item.object.metadata?.ownerReferences ?? []) {
    const owner = find(item, reference);
    if (owner === undefined && findKind(reference.kind ?? "") !== undefined) gone.add(reference.uid ?? "");
    else if (owner !== undefined && isEnding(owner) && hasFinalizer(owner, foregroundFinalizer)) waiting.add(uidOf(owner));
    else solid += 1;
  }
  const lost = gone.union(waiting);
  if (lost.size === 0) return [];
  if (solid > 0) return [{ type: "disown", item, uids: lost }];
  const below = (dependents.get(item) ?? []).length > 0;
  return [{ type: "delete", item, propagation: waiting.size > 0 && below ? "Foreground" : "Background" }];
}

/** The uid alone might be a mistake: kind, name and namespace must be the owner's too. */
function isReferenced(owner: Item, reference: OwnerReference, dependent: Item): boolean {
  const { name, namespace } = owner.object.metadata ?? {};
  if (owner.kind.kind !== reference.kind || name !== reference.name) return false;
  return !owner.kind.namespaced || namespace === dependent.object.metadata?.namespace;
}

function blocks(dependent: Item, owner: Item): boolean {
  const references = dependent.object.metadata?.ownerReferences ?? [];
  return references.some(({ uid, blockOwnerDeletion }) => uid === uidOf(owner) && blockOwnerDeletion === true);
}

function isEnding({ object }: Item): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

function hasFinalizer({ object }: Item, finalizer: string): boolean {
  return object.metadata?.finalizers.includes(finalizer) ?? false;
}

function uidOf({ object }: Item): string {
  return object.metadata?.uid ?? "";
}
