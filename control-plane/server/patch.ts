/* Patch: the object as it is, changed as the patch says, read and checked like any manifest, and written as Update would. */

import type { Clock } from "#core/clock.ts";
import { AppError, invalid } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import { readManifest } from "#core/objects/read.ts";
import { applyPatch } from "#core/patch/patch.ts";
import type { PatchRequest, WriteResult } from "#proto/podwire/v1/cluster.ts";
import { type Found, findObject, metadataOf, retryConflicts } from "../state/objects.ts";
import { checkValidation, type Document, problemError, titleOf } from "./documents.ts";
import { kindNamed, namespaceOf, notFound } from "./refusals.ts";
import { statusStep } from "./status-patch.ts";
import { updateStep } from "./update.ts";
import { answerOf, type ClaimSource, type StepOrProblems } from "./write.ts";

export function patchObject(source: ClaimSource & { readonly clock: Clock }, request: PatchRequest): Promise<WriteResult> {
  const { store, clock } = source;
  const kind = kindNamed(request.kind);
  const { name } = request;
  if (name === "") throw new AppError("invalid", "resource name may not be empty");
  checkValidation(request.validate);
  if (request.subresource !== "" && request.subresource !== "status") {
    throw invalid(`subresource must be "status", not "${request.subresource}"`, { reason: "BadRequest" });
  }
  return retryConflicts(async () => {
    const found = findObject(store, kind, { namespace: namespaceOf(kind, request.namespace), name });
    if (found === undefined) throw notFound(kind, name);
    const step =
      request.subresource === "status" ? statusStep(kind, found, { request, clock }) : patchStep(kind, found, request, source);
    if ("problems" in step) {
      throw problemError(step.problems.map((problem) => ({ source: "", title: titleOf(kind.kind, name), problem })));
    }
    const { checks, writes } = step;
    const revision = request.dryRun ? undefined : await store.commit({ checks, writes });
    return answerOf(step, revision);
  });
}

function patchStep(kind: Kind, found: Found<ApiObject>, request: PatchRequest, source: ClaimSource): StepOrProblems {
  const read = patched(kind, found, request);
  return "problems" in read ? read : updateStep(read, found, { ...source, claimed: new Set() });
}

function patched(
  kind: Kind,
  { object }: Found<ApiObject>,
  { type, json, validate }: PatchRequest,
): Document | { readonly problems: readonly Problem[] } {
  const current = kind.toJson(object) as JsonObject;
  const next = applyPatch(current, { type, text: json });
  const { namespace, name = "" } = metadataOf(object);
  const options = { namespace: namespace ?? "", strict: false };
  const read = readManifest(next, { ...options, previous: object });
  if (!read.ok) return { problems: read.problems };
  if (read.kind !== kind) throw changed("kind", kind.kind, read.kind.kind);
  const after = metadataOf(read.object);
  if (after.name !== name) throw changed("name", name, after.name ?? "");
  if ((after.namespace ?? "") !== (namespace ?? "")) throw changed("namespace", namespace ?? "", after.namespace ?? "");
  // What the object warned of before is not the patch's doing.
  const before = readManifest(current, options);
  const known = new Set(before.ok ? before.warnings : []);
  const warnings = read.warnings.filter((warning) => !known.has(warning));
  if (validate === "strict" && warnings.length > 0) return { problems: warnings.map((message) => ({ path: "", message })) };
  return { source: "", kind, object: read.object, json: read.json, warnings };
}

function changed(what: string, before: string, after: string): AppError {
  const message = `the ${what} of the object (${after}) does not match the ${what} of the request (${before}): a patch can't change it`;
  return invalid(message, { reason: "BadRequest" });
}
