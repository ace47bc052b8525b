/* Create, Update and Apply: each document becomes a step, all steps one commit. A step is decided from the store as it is now and names
 * what it relied on; where somebody else wrote first, the commit fails and all steps are decided anew. */

import { AppError, type ErrorKind } from "#core/errors.ts";
import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import type { WriteAnswer, WriteRequest, WriteResult } from "#proto/podwire/v1/cluster.ts";
import type { ClaimContext } from "../ipam/service-claims.ts";
import { findObject, metadataOf, retryConflicts, unchanged, withResourceVersion } from "../state/objects.ts";
import type { Check, Store, Write } from "../store/store.ts";
import { type Document, type DocumentProblem, readDocuments, refuseProblems, titleOf } from "./documents.ts";
import { forbidden, notFound } from "./refusals.ts";

type Action = "created" | "configured" | "unchanged";

export interface Step {
  readonly action: Action;
  readonly kind: Kind;
  /** As it will be, or stays. */
  readonly object: ApiObject;
  readonly checks: readonly Check[];
  /** None where nothing changes. */
  readonly writes: readonly Write[];
  readonly warnings: readonly string[];
}

export type StepOrProblems = Step | { readonly problems: readonly Problem[] };

/** What one document does. Throws an AppError where the store's state forbids it. */
export type Planner = (document: Document, claims: ClaimContext) => StepOrProblems;

/** What claims come from, whatever is written. */
export type ClaimSource = Omit<ClaimContext, "claimed">;

export async function writeDocuments(source: ClaimSource, request: WriteRequest, plan: Planner): Promise<WriteAnswer> {
  const { store } = source;
  const documents = readDocuments(request);
  return retryConflicts(async () => {
    const claims: ClaimContext = { ...source, claimed: new Set() };
    const steps = planAll(documents, (document) => plan(document, claims), store);
    const writes = steps.flatMap((step) => [...step.writes]);
    const checks = [...steps.flatMap((step) => [...step.checks]), ...namespaceChecks(store, steps)];
    const revision = request.dryRun ? undefined : await store.commit({ checks: withoutRepeats(checks), writes });
    return { results: steps.map((step) => answerOf(step, revision)) };
  });
}

function planAll(documents: readonly Document[], plan: (document: Document) => StepOrProblems, store: Store): readonly Step[] {
  const newNamespaces = new Set(documents.filter(({ kind }) => kind === (namespaceKind as Kind<never>)).map(nameIn));
  const steps: Step[] = [];
  const problems: DocumentProblem[] = [];
  const refusals: AppError[] = [];
  for (const document of documents) {
    try {
      const step = plan(document);
      if ("problems" in step) {
        const title = titleOf(document.kind.kind, nameIn(document));
        problems.push(...step.problems.map((problem) => ({ source: document.source, title, problem })));
      } else {
        if (step.action === "created") refuseWithoutNamespace(store, step, newNamespaces);
        steps.push(step);
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      refusals.push(documents.length === 1 ? error : withSource(error, document.source));
    }
  }
  refuseProblems(problems);
  refuseAll(refusals);
  return steps;
}

function nameIn({ object }: Document): string {
  return object.metadata?.name ?? object.metadata?.generateName ?? "";
}

/** Of several documents, which one it was. */
function withSource(error: AppError, source: string): AppError {
  if (source === "") return error;
  const { kind, message, reason, field } = error;
  return new AppError(kind, `${source}: ${message}`, { ...(reason && { reason }), ...(field && { field }) });
}

function refuseAll(refusals: readonly AppError[]): void {
  const [first] = refusals;
  if (first === undefined) return;
  if (refusals.length === 1) throw first;
  const kind: ErrorKind = first.kind;
  const lines = [...new Set(refusals.map(({ message }) => message))];
  throw new AppError(kind, lines.join("\n"), first.reason === undefined ? {} : { reason: first.reason });
}

function refuseWithoutNamespace(store: Store, { kind, object }: Step, newNamespaces: ReadonlySet<string>): void {
  const { namespace = "", name = "" } = metadataOf(object);
  if (!kind.namespaced) return;
  const found = findObject(store, namespaceKind, { name: namespace });
  if (found === undefined) {
    if (newNamespaces.has(namespace)) return;
    throw notFound(namespaceKind, namespace);
  }
  if (found.object.metadata?.deletionTimestamp !== undefined) {
    throw forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  }
}

/** So that no object comes into a namespace that begins to end at the same time. */
function namespaceChecks(store: Store, steps: readonly Step[]): readonly Check[] {
  return steps.flatMap(({ action, kind, object }) => {
    if (action !== "created" || !kind.namespaced) return [];
    const entry = store.get(keyOf(namespaceKind, undefined, metadataOf(object).namespace ?? ""));
    return entry === undefined ? [] : [unchanged(entry)];
  });
}

function withoutRepeats(checks: readonly Check[]): readonly Check[] {
  return [...new Map(checks.map((check) => [JSON.stringify(check), check])).values()];
}

export function answerOf({ action, kind, object, writes, warnings }: Step, revision: number | undefined): WriteResult {
  const written = revision === undefined || writes.length === 0 ? object : withResourceVersion(object, revision);
  return { object: kind.wrap(written), warnings: [...warnings], action };
}
