import { keyOf } from "#core/objects/kinds.ts";
import type { ClaimContext } from "../ipam/service-claims.ts";
import { metadataOf, putObject } from "../state/objects.ts";
import { admit } from "./admission.ts";
import type { Document } from "./documents.ts";
import { type Making, newObject } from "./new-object.ts";
import { alreadyExists } from "./refusals.ts";
import type { Planner, StepOrProblems } from "./write.ts";

export function planCreate(making: Making): Planner {
  return (document, claims) => {
    const step = createStep(document, making, claims);
    if ("problems" in step) return step;
    const { namespace, name = "" } = metadataOf(step.object);
    if (claims.store.get(keyOf(document.kind, namespace, name)) !== undefined) throw alreadyExists(document.kind, name);
    return step;
  };
}

/** A new object; the commit checks that its name is still free. */
export function createStep({ kind, object, warnings }: Document, making: Making, claims: ClaimContext): StepOrProblems {
  const made = newObject(kind, object, making);
  const { namespace, name = "" } = metadataOf(made.object);
  const admitted = admit(kind, { next: made.object }, claims);
  if ("problems" in admitted) return admitted;
  return {
    action: "created",
    kind,
    object: admitted.object,
    checks: [{ key: keyOf(kind, namespace, name), is: "absent" }, ...admitted.checks],
    writes: [putObject(kind, admitted.object), ...admitted.writes],
    warnings: [...warnings, ...made.warnings],
  };
}
