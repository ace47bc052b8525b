/* Patch of an object's status, and of nothing else (kubectl patch --subresource=status): for those who set conditions, such as what a
 * pod's readiness gates wait for. */

import { isJsonObject, type JsonObject, jsonEqual } from "#core/json.ts";
import { checkJson } from "#core/objects/check.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import { withReadinessGates } from "#core/objects/pod-readiness.ts";
import { applyPatch } from "#core/patch/patch.ts";
import type { PatchRequest } from "#proto/podwire/v1/cluster.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Found, putObject, unchanged } from "../state/objects.ts";
import type { StepOrProblems } from "./write.ts";

export function statusStep(kind: Kind, { entry, object }: Found<ApiObject>, request: PatchRequest): StepOrProblems {
  const current = kind.toJson(object) as JsonObject;
  const patched = applyPatch(current, { type: request.type, text: request.json });
  const status = isJsonObject(patched) ? patched.status : undefined;
  const { errors, value } = checkJson(kind.kind, { ...current, status: status ?? {} });
  if (errors.length > 0) return { problems: errors };
  const next = concluded(kind, { ...object, ...statusIn(kind, value) });
  const same = jsonEqual(kind.toJson(next), current);
  return {
    ...{ action: same ? "unchanged" : "configured", kind, object: next, warnings: [] },
    checks: [unchanged(entry)],
    writes: same ? [] : [putObject(kind, next)],
  };
}

function statusIn(kind: Kind, value: unknown): object {
  const whole = kind.fromJson(value);
  return "status" in whole ? { status: whole.status } : {};
}

/** What follows from the new status. */
function concluded(kind: Kind, object: ApiObject): ApiObject {
  return kind.kind === podKind.kind ? withReadinessGates(object as Pod) : object;
}
