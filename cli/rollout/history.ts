/* The versions of a Deployment that are kept: which there are, what was in one, and how to go back to it. Pure. */

import type { JsonObject } from "#core/json.ts";
import { changeCauseAnnotation, ownAnnotations, revisionOf, sameTemplate, withoutHash } from "#core/rollout.ts";
import { type Deployment, PodTemplateSpec, type ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { podTemplateLines } from "../output/describe/pod-template.ts";
import { alignTabs } from "../output/tabbed.ts";

export interface Versions {
  readonly deployment: Deployment;
  /** Its own. */
  readonly sets: readonly ReplicaSet[];
}

export function setsOf(deployment: Deployment, sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const uid = deployment.metadata?.uid;
  return sets.filter(({ metadata }) => metadata?.ownerReferences.some((owner) => owner.controller === true && owner.uid === uid));
}

export function historyText({ sets }: Versions): string {
  const rows = sets
    .filter((set) => revisionOf(set) > 0)
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .map((set) => `${revisionOf(set)}\t${set.metadata?.annotations[changeCauseAnnotation] || "<none>"}`);
  return alignTabs(["REVISION\tCHANGE-CAUSE", ...rows]);
}

/** Undefined where no set has that revision. */
export function revisionText({ sets }: Versions, revision: number): string | undefined {
  const set = sets.find((one) => revisionOf(one) === revision);
  return set && alignTabs(podTemplateLines(set.spec?.template));
}

export type Undo =
  | { readonly type: "patch"; readonly patch: readonly JsonObject[] }
  | { readonly type: "skip"; readonly why: string }
  | { readonly type: "refuse"; readonly why: string };

/** `revision` 0 means the one before the present one. */
export function planUndo({ deployment, sets }: Versions, revision: number): Undo {
  if (deployment.spec?.paused === true) {
    const why = "you cannot rollback a paused deployment; resume it first with 'podwire rollout resume' and try again";
    return { type: "refuse", why };
  }
  const ordered = sets.toSorted((a, b) => revisionOf(b) - revisionOf(a));
  const target = revision === 0 ? ordered[1] : ordered.find((set) => revisionOf(set) === revision);
  if (target === undefined) {
    const name = JSON.stringify(deployment.metadata?.name);
    const why =
      revision === 0
        ? `no rollout history found for deployment ${name}`
        : `unable to find specified revision ${revision} in history`;
    return { type: "refuse", why };
  }
  if (sameTemplate(target.spec?.template, deployment.spec?.template)) {
    return { type: "skip", why: `skipped rollback (current template already matches revision ${revisionOf(target)})` };
  }
  return {
    type: "patch",
    patch: [
      { op: "replace", path: "/spec/template", value: PodTemplateSpec.toJSON(withoutHash(target.spec?.template)) as JsonObject },
      { op: "add", path: "/metadata/annotations", value: annotationsOf(deployment, target) },
    ],
  };
}

/** The old version's, such as why it was rolled out; what belongs to the Deployment alone stays. */
function annotationsOf({ metadata }: Deployment, target: ReplicaSet): JsonObject {
  const own = Object.entries(metadata?.annotations ?? {}).filter(([key]) => ownAnnotations.has(key));
  const old = Object.entries(target.metadata?.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  return Object.fromEntries([...own, ...old]);
}
