/* How many pods a controller wants, for budgets that are shares of them. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { OwnerReference } from "#proto/podwire/v1/resources.ts";
import { findObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { controllerOf } from "../workloads/owners.ts";
import type { Scale } from "./budget.ts";

/** Those that have a number of pods. */
export const scaledKinds = ["Deployment", "ReplicaSet", "StatefulSet"];

/** The kind of that name where its objects have a number of pods. */
export function scaledKind(word: string): Kind | undefined {
  return scaledKinds.includes(word) ? findKind(word) : undefined;
}

type Scaled = ApiObject & { readonly spec?: { readonly replicas?: number | undefined } | undefined };

export function scaleOf(store: Store, namespace: string | undefined, controller: OwnerReference): Scale {
  const { kind: word = "", name = "", uid = "" } = controller;
  const kind = scaledKind(word);
  if (kind === undefined) return { unknown: `${word} "${name}" does not implement the scale subresource` };
  const found = findObject(store, kind, { namespace, name });
  if (found === undefined || found.object.metadata?.uid !== uid) return { unknown: `${kind.plural} "${name}" not found` };
  // A Deployment's number and not that of each of its ReplicaSets, which changes while it rolls.
  const above = controllerOf(found.object);
  if (above !== undefined) return scaleOf(store, namespace, above);
  return { controller: uid, replicas: (found.object as Scaled).spec?.replicas ?? 1 };
}
