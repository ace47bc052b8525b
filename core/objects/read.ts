/* The way of a manifest into the system: known kind, right types, defaults, rules. All that is wrong is said at once. */

import { isJsonObject, type JsonObject, own } from "../json.ts";
import { nearest } from "../nearest.ts";
import { checkJson } from "./check.ts";
import type { ApiObject, Kind, Problem } from "./kind.ts";
import { kinds } from "./kinds.ts";
import { clip, createProblemList, formatProblem, isUnknownField, required } from "./problem.ts";

export interface ReadOptions {
  /** For an object that names none. */
  readonly namespace: string;
  /** What would be a warning is an error. */
  readonly strict: boolean;
  /** The object whose place it takes. */
  readonly previous?: ApiObject;
}

export type Manifest =
  | {
      readonly ok: true;
      readonly kind: Kind;
      /** Defaults filled in, valid, without a status. */
      readonly object: ApiObject;
      /** What the manifest itself said, its namespace filled in, its status left out: for apply's merge and its annotation. */
      readonly json: JsonObject;
      /** A line each. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads one parsed document. */
export function readManifest(value: unknown, { namespace, strict, previous }: ReadOptions): Manifest {
  const kind = kindOf(value);
  if (Array.isArray(kind)) return { ok: false, problems: kind };
  const checked = checkJson(kind.kind, value);
  const json = withNamespace(checked.value as JsonObject, kind.namespaced ? namespace : undefined);
  const whole = kind.withDefaults(kind.fromJson(json));
  const object = previous === undefined ? whole : (kind.afterChange?.(whole, previous) ?? whole);
  const wrong = createProblemList();
  wrong.add(strict ? [...checked.errors, ...checked.warnings] : checked.errors);
  // A rule may complain of what only its wrong type made missing: that has been said.
  wrong.add(kind.validate(object).filter(({ path }) => !checked.errors.some((error) => related(error.path, path))));
  // A misspelt field is often why another is missing; alone it is no more than a warning.
  if (!strict && wrong.problems().length > 0) wrong.add(checked.warnings.filter(isUnknownField));
  const problems = wrong.problems();
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, kind, object, json, warnings: checked.warnings.map(formatProblem) };
}

/** Whether one is the other, or a part of it; of the whole, everything is. */
function related(a: string, b: string): boolean {
  const [outer, inner] = a.length <= b.length ? [a, b] : [b, a];
  return outer === "" || (inner.startsWith(outer) && /^($|[.[])/.test(inner.slice(outer.length)));
}

/** The kind that a document names, or what is wrong with that. */
function kindOf(value: unknown): Kind | Problem[] {
  if (!isJsonObject(value)) return [{ path: "", message: "a manifest must be an object with apiVersion and kind" }];
  const apiVersion = own(value, "apiVersion");
  const kind = own(value, "kind");
  const problems: Problem[] = [];
  for (const [path, word] of Object.entries({ apiVersion, kind })) {
    if (word === undefined || word === null || word === "") problems.push(required(path));
    else if (typeof word !== "string") problems.push({ path, message: "Invalid value: must be a string" });
  }
  if (problems.length > 0) return problems;
  return (
    kinds.find((known) => known.kind === kind && known.apiVersion === apiVersion) ?? [noMatch(String(kind), String(apiVersion))]
  );
}

function noMatch(kind: string, apiVersion: string): Problem {
  const message = `no matches for kind "${clip(kind)}" in version "${clip(apiVersion)}"`;
  const versions = kinds.filter((known) => known.kind === kind).map((known) => `"${known.apiVersion}"`);
  if (versions.length > 0) return { path: "apiVersion", message: `${message}: ${kind} is in version ${versions.join(", ")}` };
  const names = kinds.map((known) => known.kind);
  const meant = nearest(kind, names);
  const hint = meant === undefined ? `Podwire knows ${names.join(", ")}` : `did you mean ${meant}?`;
  return { path: "kind", message: `${message}: ${hint}` };
}

/** Without a status, and in `namespace` where the manifest names none; in none where `namespace` is undefined. */
function withNamespace({ status: _, ...json }: JsonObject, namespace: string | undefined): JsonObject {
  const given = own(json, "metadata");
  const { namespace: named, ...metadata } = isJsonObject(given) ? given : {};
  if (namespace === undefined) return given === undefined ? json : { ...json, metadata };
  return { ...json, metadata: { ...metadata, namespace: named === undefined || named === "" ? namespace : named } };
}
