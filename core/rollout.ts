/* What tells the versions of a Deployment apart: its ReplicaSets, one for each template, and their revisions. Pure. */

import { type Deployment, PodTemplateSpec, type ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { jsonEqual } from "./json.ts";
import type { ApiObject } from "./objects/kind.ts";
import { emptyMetadata, lastAppliedAnnotation } from "./objects/metadata.ts";

export const hashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";
export const changeCauseAnnotation = "kubernetes.io/change-cause";

/** Annotations that belong to one object and are copied to no other. */
export const ownAnnotations: ReadonlySet<string> = new Set([
  lastAppliedAnnotation,
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

/** 0 where it has none. */
export function revisionOf({ metadata }: ApiObject): number {
  return Number(metadata?.annotations[revisionAnnotation] ?? 0) || 0;
}

/** The template as its Deployment has it. */
export function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { metadata: { ...emptyMetadata, ...template?.metadata, labels }, spec: template?.spec };
}

export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return jsonEqual(PodTemplateSpec.toJSON(withoutHash(a)), PodTemplateSpec.toJSON(withoutHash(b)));
}

/** Of the Deployment's sets the one of its present template; of several the oldest. */
export function newestSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets.toSorted(byAge).find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
}

/** The oldest first. Their times are in seconds. */
export function byAge(a: ReplicaSet, b: ReplicaSet): number {
  const [left, right] = [a.metadata?.creationTimestamp ?? "", b.metadata?.creationTimestamp ?? ""];
  if (left !== right) return left < right ? -1 : 1;
  return revisionOf(a) - revisionOf(b) || ((a.metadata?.name ?? "") < (b.metadata?.name ?? "") ? -1 : 1);
}
