/* The rules of `metadata`, the same for every kind. */

import type { ObjectMeta, OwnerReference } from "#proto/podwire/v1/resources.ts";
import { labelNameProblem, labelValueProblem, qualifiedNameProblem } from "../names.ts";
import type { ApiObject, Problem } from "./kind.ts";
import { forbidden, invalidValue, required, tooLong, unless } from "./problem.ts";

export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
const annotationBytesMax = 256 * 1024;

export const emptyMetadata: ObjectMeta = { labels: {}, annotations: {}, ownerReferences: [], finalizers: [] };

export interface MetadataRules {
  readonly namespaced: boolean;
  /** What is wrong with a name of this kind: one of core/names.ts. */
  readonly nameProblem: (name: string) => string | undefined;
}

/** Everything that is wrong with the metadata of a new object. */
export function validateMetadata(object: ApiObject, { namespaced, nameProblem }: MetadataRules): Problem[] {
  const metadata = object.metadata ?? emptyMetadata;
  return [
    ...validateName(metadata, nameProblem),
    ...validateNamespace(metadata.namespace ?? "", namespaced),
    ...validateLabels(metadata.labels, "metadata.labels"),
    ...validateAnnotations(metadata.annotations),
    ...validateOwners(metadata.ownerReferences),
    ...metadata.finalizers.flatMap((finalizer, i) => validateFinalizer(finalizer, `metadata.finalizers[${i}]`)),
  ];
}

/** Everything that is wrong with changing metadata. What only the control plane sets may be left out: it stays as it was. */
export function validateMetadataUpdate(next: ApiObject, previous: ApiObject): Problem[] {
  const after = next.metadata ?? emptyMetadata;
  const before = previous.metadata ?? emptyMetadata;
  const problems: Problem[] = [];
  for (const field of ["name", "namespace"] as const) {
    if ((after[field] ?? "") !== (before[field] ?? "")) problems.push(immutable(`metadata.${field}`, after[field] ?? ""));
  }
  for (const field of ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    const value = after[field];
    if (value !== undefined && value !== before[field]) problems.push(immutable(`metadata.${field}`, value));
  }
  return problems;
}

/** The keys and values of a map of labels: also a nodeSelector's. */
export function validateLabels(labels: Readonly<Record<string, string>>, path: string): Problem[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...unless(path, key, qualifiedNameProblem(key)),
    ...unless(path, value, labelValueProblem(value)),
  ]);
}

function immutable(path: string, value: unknown): Problem {
  return invalidValue(path, value, "field is immutable");
}

function validateName(metadata: ObjectMeta, nameProblem: MetadataRules["nameProblem"]): Problem[] {
  const { name = "", generateName = "" } = metadata;
  const problems: Problem[] = [];
  if (generateName !== "") {
    // The generated part follows, so a dash may end the prefix.
    problems.push(...unless("metadata.generateName", generateName, nameProblem(generateName.replace(/-$/, "a"))));
  }
  if (name !== "") problems.push(...unless("metadata.name", name, nameProblem(name)));
  else if (generateName === "") problems.push(required("metadata.name", "name or generateName is required"));
  return problems;
}

function validateNamespace(namespace: string, namespaced: boolean): Problem[] {
  if (!namespaced) return namespace === "" ? [] : [forbidden("metadata.namespace", "not allowed on this type")];
  if (namespace === "") return [required("metadata.namespace")];
  return unless("metadata.namespace", namespace, labelNameProblem(namespace));
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): Problem[] {
  const path = "metadata.annotations";
  const problems = Object.keys(annotations).flatMap((key) => unless(path, key, qualifiedNameProblem(key.toLowerCase())));
  const byteCount = Object.entries(annotations).reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  if (byteCount > annotationBytesMax) problems.push(tooLong(path, annotationBytesMax));
  return problems;
}

function validateOwners(owners: readonly OwnerReference[]): Problem[] {
  const problems = owners.flatMap((owner, i) =>
    (["apiVersion", "kind", "name", "uid"] as const)
      .filter((field) => (owner[field] ?? "") === "")
      .map((field) => invalidValue(`metadata.ownerReferences[${i}].${field}`, owner[field] ?? "", "must not be empty")),
  );
  const controllers = owners.filter((owner) => owner.controller);
  if (controllers.length > 1) {
    const names = controllers.map((owner) => `${owner.kind}/${owner.name}`).join(" and ");
    problems.push(
      invalidValue(
        "metadata.ownerReferences",
        owners,
        `only one reference can have controller set to true, found it in ${names}`,
      ),
    );
  }
  return problems;
}

function validateFinalizer(finalizer: string, path: string): Problem[] {
  const problem = qualifiedNameProblem(finalizer);
  if (problem !== undefined) return [invalidValue(path, finalizer, problem)];
  if (finalizer.includes("/") || ["orphan", "foregroundDeletion", "kubernetes"].includes(finalizer)) return [];
  return [invalidValue(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified")];
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
