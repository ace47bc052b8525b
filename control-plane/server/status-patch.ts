/* Patch of an object's status, and of nothing else (kubectl patch --subresource=status): for those who set conditions, such as what a
 * pod's readiness gates wait for. */

import { type Clock, timestamp } from "#core/clock.ts";
import { isJsonObject, type JsonObject, jsonEqual } from "#core/json.ts";
import { checkJson } from "#core/objects/check.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import { withReadinessGates } from "#core/objects/pod-readiness.ts";
import { applyPatch } from "#core/patch/patch.ts";
import type { PatchRequest } from "#proto/podwire/v1/cluster.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { withTransitions } from "../state/conditions.ts";
import { type Found, putObject, unchanged } from "../state/objects.ts";
import type { StepOrProblems } from "./write.ts";

interface StatusChange {
  readonly request: PatchRequest;
  readonly clock: Clock;
}

export function statusStep(kind: Kind, { entry, object }: Found<ApiObject>, { request, clock }: StatusChange): StepOrProblems {
  const current = kind.toJson(object) as JsonObject;
  const patched = applyPatch(current, { type: request.type, text: request.json });
  const status = isJsonObject(patched) ? patched.status : undefined;
  const { errors, value } = checkJson(kind.kind, { ...current, status: status ?? {} });
  if (errors.length > 0) return { problems: errors };
  const next = concluded(kind, { ...object, ...statusIn(kind, value) }, { previous: object, clock });
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
function concluded(
  kind: Kind,
  object: ApiObject,
  { previous, clock }: { readonly previous: ApiObject; readonly clock: Clock },
): ApiObject {
  if (kind.kind !== podKind.kind) return object;
  const pod = withReadinessGates(object as Pod);
  if (pod === object || pod.status === undefined) return object;
  // The gates decide of Ready, whose time is the cluster's; those of the others are their makers'.
  const before = (previous as Pod).status?.conditions ?? [];
  const ready = withTransitions(
    pod.status.conditions.filter(({ type }) => type === "Ready"),
    before,
    timestamp(clock),
  );
  const conditions = pod.status.conditions.map((one) => (one.type === "Ready" ? (ready[0] ?? one) : one));
  return { ...pod, status: { ...pod.status, conditions } } as ApiObject;
}
