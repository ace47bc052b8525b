/* The documents of a write, all of them read and checked before the first is written. */

import { type AppError, invalid, messageOf } from "#core/errors.ts";
import { isJsonObject, type JsonObject, own } from "#core/json.ts";
import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { readManifest } from "#core/objects/read.ts";
import type { Manifest, WriteRequest } from "#proto/podwire/v1/cluster.ts";

export interface Document {
  /** "hello.yaml, document 2" */
  readonly source: string;
  readonly kind: Kind;
  /** Defaults filled in, valid. */
  readonly object: ApiObject;
  /** What the manifest said. */
  readonly json: JsonObject;
  readonly warnings: readonly string[];
}

/** Something wrong, with what a person needs to find it. */
export interface DocumentProblem {
  readonly source: string;
  /** `Pod "web"` */
  readonly title: string;
  readonly problem: Problem;
}

/** Throws one "invalid" with everything that is wrong, a line for each. */
export function readDocuments({ manifests, namespace, validate }: WriteRequest): readonly Document[] {
  checkValidation(validate);
  if (manifests.length === 0) throw invalid("no objects passed: the request holds no manifest");
  const documents: Document[] = [];
  const problems: DocumentProblem[] = [];
  for (const manifest of manifests) {
    const read = readDocument(manifest, { namespace: namespace || "default", strict: validate === "strict" });
    if (Array.isArray(read)) problems.push(...read);
    else documents.push(read as Document);
  }
  problems.push(...repetitions(documents));
  refuseProblems(problems);
  return documents;
}

/** Throws where it is no level of validation. */
export function checkValidation(validate: string): void {
  if (validate !== "" && validate !== "warn" && validate !== "strict") {
    throw invalid(`validate must be "warn" or "strict", not "${validate}"`);
  }
}

/** Throws where there is any. */
export function refuseProblems(problems: readonly DocumentProblem[]): void {
  if (problems.length > 0) throw problemError(problems);
}

/** One error for at least one problem. */
export function problemError(problems: readonly DocumentProblem[]): AppError {
  return invalid(problems.map(formatLine).join("\n"), {
    reason: "Invalid",
    ...(problems.length === 1 ? { field: problems[0]?.problem.path ?? "" } : {}),
  });
}

export function titleOf(kind: string, name: string): string {
  return `${kind} "${name}"`;
}

function formatLine({ source, title, problem }: DocumentProblem): string {
  const line = title === "" ? formatProblem(problem) : `${title} is invalid: ${formatProblem(problem)}`;
  return source === "" ? line : `${source}: ${line}`;
}

function readDocument(
  { json, source }: Manifest,
  options: { readonly namespace: string; readonly strict: boolean },
): Document | DocumentProblem[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return [{ source, title: "", problem: { path: "", message: `the manifest is not JSON: ${messageOf(error)}` } }];
  }
  const read = readManifest(value, options);
  if (read.ok) return { source, ...read };
  const title = titleFrom(value);
  return read.problems.map((problem) => ({ source, title, problem }));
}

/** As far as a wrong manifest tells. */
function titleFrom(value: unknown): string {
  if (!isJsonObject(value)) return "";
  const kind = own(value, "kind");
  const metadata = own(value, "metadata");
  const name = isJsonObject(metadata) ? (own(metadata, "name") ?? own(metadata, "generateName")) : "";
  return typeof kind === "string" && kind !== "" ? titleOf(kind, typeof name === "string" ? name : "") : "";
}

function repetitions(documents: readonly Document[]): DocumentProblem[] {
  const seen = new Map<string, Document>();
  return documents.flatMap((document) => {
    const { kind, object, source } = document;
    const name = object.metadata?.name ?? "";
    if (name === "") return [];
    const key = keyOf(kind, object.metadata?.namespace, name);
    const first = seen.get(key);
    seen.set(key, first ?? document);
    if (first === undefined) return [];
    const message = `Duplicate value: the same object stands in ${first.source || "an earlier document"}`;
    return [{ source, title: titleOf(kind.kind, name), problem: { path: "metadata.name", message } }];
  });
}
