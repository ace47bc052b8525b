import { isJsonObject, jsonEqual, own } from "#core/json.ts";
import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import type { ClaimContext } from "../ipam/service-claims.ts";
import { type Found, findObject, metadataOf, putObject, unchanged } from "../state/objects.ts";
import { admit } from "./admission.ts";
import type { Document } from "./documents.ts";
import { notFound, stale } from "./refusals.ts";
import { removalOf } from "./removal.ts";
import type { Planner, StepOrProblems } from "./write.ts";

export const planUpdate: Planner = (document, claims) => {
  const { kind, object } = document;
  const { namespace, name = "" } = metadataOf(object);
  const found = name === "" ? undefined : findObject(claims.store, kind, { namespace, name });
  if (found === undefined) throw notFound(kind, name || `${object.metadata?.generateName ?? ""}`);
  return updateStep({ ...document, object: kind.afterChange?.(object, found.object) ?? object }, found, claims);
};

/** `found` becomes the document's object; its status and what only the control plane sets stay. */
export function updateStep(
  { kind, object, warnings }: Document,
  { entry, object: current }: Found<ApiObject>,
  claims: ClaimContext,
): StepOrProblems {
  const before = metadataOf(current);
  const given = metadataOf(object);
  refuseStale(kind, given, before);
  const problems = [...kind.validateUpdate(object, current), ...newFinalizers(given.finalizers, current)];
  if (problems.length > 0) return { problems };

  const wanted: ApiObject = {
    ...current,
    ...object,
    ...("status" in current ? { status: current.status } : {}),
    metadata: {
      ...given,
      uid: before.uid,
      resourceVersion: before.resourceVersion,
      generation: before.generation,
      creationTimestamp: before.creationTimestamp,
      deletionTimestamp: before.deletionTimestamp,
      deletionGracePeriodSeconds: before.deletionGracePeriodSeconds,
    },
  };
  const admitted = admit(kind, { next: wanted, previous: current }, claims);
  if ("problems" in admitted) return admitted;
  const next = admitted.object;
  const [nextJson, currentJson] = [kind.toJson(next), kind.toJson(current)];
  const checks = [unchanged(entry), ...admitted.checks];
  if (jsonEqual(nextJson, currentJson)) return { action: "unchanged", kind, object: current, checks, writes: [], warnings };
  const specChanged = !jsonEqual(specOf(nextJson), specOf(currentJson));
  const generation = specChanged ? (before.generation ?? 0) + 1 : before.generation;
  const changed = { ...next, metadata: { ...metadataOf(next), generation } };
  // Whoever takes the last finalizer from an object that waited for it only, removes the object.
  const writes = removalOf(kind, changed) ?? [putObject(kind, changed), ...admitted.writes];
  return { action: "configured", kind, object: changed, checks, writes, warnings };
}

function refuseStale(
  kind: Kind,
  given: { readonly resourceVersion?: string | undefined; readonly uid?: string | undefined },
  before: {
    readonly name?: string | undefined;
    readonly resourceVersion?: string | undefined;
    readonly uid?: string | undefined;
  },
): void {
  if (given.resourceVersion && given.resourceVersion !== before.resourceVersion) throw stale(kind, before.name ?? "");
  if (given.uid && given.uid !== before.uid) {
    const why = `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${before.uid}`;
    throw stale(kind, before.name ?? "", why);
  }
}

function newFinalizers(finalizers: readonly string[], current: ApiObject): readonly Problem[] {
  const { deletionTimestamp, finalizers: had } = metadataOf(current);
  const added = finalizers.filter((finalizer) => !had.includes(finalizer));
  if (deletionTimestamp === undefined || added.length === 0) return [];
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return [{ path: "metadata.finalizers", message }];
}

function specOf(json: unknown): unknown {
  return isJsonObject(json) ? own(json, "spec") : undefined;
}
