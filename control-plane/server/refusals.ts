/* The API's refusals, in the words that users of Kubernetes know. */

import { AppError } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";

type Named = Pick<Kind<never>, "plural">;

export function notFound(kind: Named, name: string): AppError {
  return new AppError("not-found", `${kind.plural} "${name}" not found`, { reason: "NotFound" });
}

export function alreadyExists(kind: Named, name: string): AppError {
  return new AppError("already-exists", `${kind.plural} "${name}" already exists`, { reason: "AlreadyExists" });
}

export function stale(
  kind: Named,
  name: string,
  why = "the object has been modified; please apply your changes to the latest version and try again",
): AppError {
  return new AppError("conflict", `Operation cannot be fulfilled on ${kind.plural} "${name}": ${why}`, { reason: "Conflict" });
}

export function forbidden(kind: Named, name: string, why: string): AppError {
  return new AppError("forbidden", `${kind.plural} "${name}" is forbidden: ${why}`, { reason: "Forbidden" });
}

/** The kind that a request names, as a manifest or a user would. */
export function kindNamed(word: string): Kind {
  const kind = findKind(word);
  if (kind === undefined) {
    throw new AppError("not-found", `the server doesn't have a resource type "${word}"`, { reason: "NotFound" });
  }
  return kind;
}

/** A request for one object: in `default` where it names no namespace. */
export function namespaceOf(kind: Kind, namespace: string): string | undefined {
  return kind.namespaced ? namespace || "default" : undefined;
}
