/* A Deployment's ReplicaSets as it makes and changes them. Pure. */

import { deploymentKind } from "#core/objects/deployment.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import {
  desiredReplicasAnnotation,
  hashLabel,
  maxReplicasAnnotation,
  ownAnnotations,
  revisionAnnotation,
  revisionHistoryAnnotation,
  revisionOf,
} from "#core/rollout.ts";
import type { Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { metadataOf } from "../state/objects.ts";
import { controllerReference, withOwner, withoutOwners } from "./owners.ts";
import { boundsOf, sizeOf } from "./rollout-size.ts";
import { templateHash } from "./template-hash.ts";

/** Without what the control plane gives every new object. */
export function newReplicaSet(
  deployment: Deployment,
  { revision, size }: { readonly revision: number; readonly size: number },
): ReplicaSet {
  const { name = "", namespace } = metadataOf(deployment);
  const { template, selector, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return replicaSetKind.withDefaults({
    metadata: {
      ...emptyMetadata,
      ...{ name: `${name}-${hash}`, namespace, labels },
      annotations: { ...copiedAnnotations(deployment), ...sizeAnnotations(deployment), [revisionAnnotation]: String(revision) },
      ownerReferences: [controllerReference(deploymentKind, deployment)],
    },
    spec: {
      ...{ replicas: size, minReadySeconds },
      selector: {
        matchLabels: { ...selector?.matchLabels, [hashLabel]: hash },
        matchExpressions: selector?.matchExpressions ?? [],
      },
      template: { metadata: { ...emptyMetadata, ...template?.metadata, labels }, spec: template?.spec },
    },
  });
}

export function adoptedSet(deployment: Deployment, set: ReplicaSet): ReplicaSet {
  return withOwner(set, controllerReference(deploymentKind, deployment));
}

export function releasedSet(deployment: Deployment, set: ReplicaSet): ReplicaSet {
  return withoutOwners(set, new Set([metadataOf(deployment).uid ?? ""]));
}

interface Wanted {
  readonly deployment: Deployment;
  readonly revision: number;
}

/** The set of the present template follows its Deployment's annotations, and gets a new revision when a rollback brought it back. */
export function withDeploymentsAnnotations(set: ReplicaSet, { deployment, revision }: Wanted): ReplicaSet {
  const metadata = metadataOf(set);
  const had = revisionOf(set);
  const history = [metadata.annotations[revisionHistoryAnnotation] ?? [], had === 0 ? [] : String(had)].flat().join(",");
  const renewed =
    had >= revision
      ? {}
      : { [revisionAnnotation]: String(revision), ...(history === "" ? {} : { [revisionHistoryAnnotation]: history }) };
  const annotations = { ...metadata.annotations, ...copiedAnnotations(deployment), ...renewed };
  const minReadySeconds = deployment.spec?.minReadySeconds;
  const changed = set.spec?.minReadySeconds !== minReadySeconds;
  return {
    ...set,
    metadata: { ...metadata, annotations, generation: (metadata.generation ?? 0) + (changed ? 1 : 0) },
    spec: set.spec === undefined ? undefined : { ...set.spec, minReadySeconds },
  };
}

/** Also where the size stays: the set says for which size of its Deployment it has it. */
export function scaledSet(
  set: ReplicaSet,
  { deployment, size }: { readonly deployment: Deployment; readonly size: number },
): ReplicaSet {
  const metadata = metadataOf(set);
  const generation = (metadata.generation ?? 0) + (sizeOf(set) === size ? 0 : 1);
  return {
    ...set,
    metadata: { ...metadata, generation, annotations: { ...metadata.annotations, ...sizeAnnotations(deployment) } },
    spec: set.spec === undefined ? undefined : { ...set.spec, replicas: size },
  };
}

function sizeAnnotations(deployment: Deployment): Record<string, string> {
  const { replicas, surge } = boundsOf(deployment);
  return { [desiredReplicasAnnotation]: String(replicas), [maxReplicasAnnotation]: String(replicas + surge) };
}

function copiedAnnotations({ metadata }: Deployment): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata?.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key)));
}
