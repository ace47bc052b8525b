/* Which objects are a controller's: those that name it as their controller and that its selector selects. It adopts what it selects
 * and nobody controls, and releases what it no longer selects, as Kubernetes' controllers do. Pure. */

import type { ApiObject } from "#core/objects/kind.ts";
import { selectorMatches } from "#core/objects/label-selector.ts";
import type { LabelSelector } from "#proto/podwire/v1/resources.ts";
import { controllerOf } from "./owners.ts";

export interface ClaimQuestion<T extends ApiObject> {
  readonly owner: ApiObject;
  readonly selector: LabelSelector | undefined;
  /** In the owner's namespace: at least those that it controls and those that nobody does. */
  readonly candidates: readonly T[];
}

export interface Claims<T extends ApiObject> {
  /** In the order of the candidates. */
  readonly owned: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
}

export function claim<T extends ApiObject>({ owner, selector, candidates }: ClaimQuestion<T>): Claims<T> {
  const owned: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  const ending = owner.metadata?.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object)?.uid;
    const selected = selectorMatches(selector, object.metadata?.labels ?? {});
    if (controller === owner.metadata?.uid) {
      if (selected) owned.push(object);
      else if (!ending) release.push(object);
    } else if (controller === undefined && selected && !ending && object.metadata?.deletionTimestamp === undefined) {
      adopt.push(object);
    }
  }
  return { owned, adopt, release };
}
