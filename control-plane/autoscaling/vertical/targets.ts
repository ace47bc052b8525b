/* Which autoscaler a pod has: the one whose targetRef names the pod's controller, or the controller of that, as a Deployment is of its
 * ReplicaSets. */

import type { ApiObject } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import type { OwnerReference, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { findObject, listObjects, metadataOf, nameOf } from "../../state/objects.ts";
import type { Store } from "../../store/store.ts";
import { controllerOf } from "../../workloads/owners.ts";

/** Kind, namespace and name of what is scaled. */
export type Target = string;

/** Those whose pods can be made larger or smaller. */
const targetKinds = ["DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"];
const ownersMax = 4;

export function targetOf({ metadata, spec }: VerticalPodAutoscaler): Target {
  return targetNamed(spec?.targetRef?.kind, metadata?.namespace, spec?.targetRef?.name);
}

function targetNamed(kind: string | undefined, namespace: string | undefined, name: string | undefined): Target {
  return JSON.stringify([kind, namespace, name]);
}

/** What an object of a controller is part of, the nearest first. */
export function targetsAbove(store: Store, object: ApiObject): readonly Target[] {
  const { namespace } = metadataOf(object);
  const targets: Target[] = [];
  let reference = controllerOf(object);
  while (reference !== undefined && targets.length < ownersMax) {
    targets.push(targetNamed(reference.kind, namespace, reference.name));
    const owner = ownerOf(store, namespace, reference);
    reference = owner && controllerOf(owner);
  }
  return targets;
}

/** The controller itself; undefined where it is gone or no kind that can be scaled. */
export function ownerOf(store: Store, namespace: string | undefined, { kind: word = "", name = "", uid }: OwnerReference) {
  const kind = targetKinds.includes(word) ? findKind(word) : undefined;
  const owner = kind && findObject(store, kind, { namespace, name })?.object;
  return owner?.metadata?.uid === uid ? owner : undefined;
}

/** The autoscaler of each target. Of several for one target the oldest decides, of equally old ones the first by name. */
export function autoscalersByTarget(store: Store, namespace?: string): ReadonlyMap<Target, VerticalPodAutoscaler> {
  const result = new Map<Target, VerticalPodAutoscaler>();
  const all = listObjects(store, verticalPodAutoscalerKind, namespace).map(({ object }) => object);
  for (const autoscaler of all.sort(byAge)) {
    const target = targetOf(autoscaler);
    if (!result.has(target)) result.set(target, autoscaler);
  }
  return result;
}

function byAge(a: VerticalPodAutoscaler, b: VerticalPodAutoscaler): number {
  const [ageA = "", ageB = ""] = [a.metadata?.creationTimestamp, b.metadata?.creationTimestamp];
  return ageA === ageB ? (nameOf(a) < nameOf(b) ? -1 : 1) : ageA < ageB ? -1 : 1;
}
