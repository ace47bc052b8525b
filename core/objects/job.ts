import { Job, type JobSpec, type PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { type JsonObject, jsonEqual, own } from "../json.ts";
import { labelNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { validateLabelSelector } from "./label-selector.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { templateWithDefaults, validateTemplate } from "./pod-template.ts";
import { invalidValue, outside, required, unsupported } from "./problem.ts";

const modes = ["Indexed", "NonIndexed"];
const policies = ["OnFailure", "Never"];
const indexedCompletionsMax = 100_000;
const uidLabel = "batch.kubernetes.io/controller-uid";
const nameLabel = "batch.kubernetes.io/job-name";

export const jobKind: Kind<Job> = {
  kind: "Job",
  apiVersion: "batch/v1",
  plural: "jobs",
  singular: "job",
  shortNames: [],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => Job.fromJSON(json),
  toJson: (job) => Job.toJSON(job),
  wrap: (value) => ({ object: { $case: "job", value } }),
  withDefaults: (job) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: job.metadata ?? emptyMetadata,
    spec: job.spec === undefined ? undefined : specWithDefaults(job.spec),
  }),
  // A manifest that is sent again knows nothing of the selector that we made.
  afterChange: (next, previous) => (next.spec?.selector === undefined ? withSelector(next, previous.metadata?.uid ?? "") : next),
  validate: (job) => [
    // Its pods' label.
    ...validateMetadata(job, { namespaced: true, nameProblem: labelNameProblem }),
    ...(job.spec === undefined ? [required("spec.template")] : validateSpec(job.spec)),
  ],
  validateUpdate: (next, previous) => [...validateMetadataUpdate(next, previous), ...validateSpecUpdate(next, previous)],
};

/** The Job with a selector that no other one's pods have, unless the user chose one. */
export function withSelector(job: Job, uid: string): Job {
  const { spec, metadata } = job;
  if (spec === undefined || spec.manualSelector === true) return job;
  const name = metadata?.name ?? "";
  const made = { [uidLabel]: uid, "controller-uid": uid, [nameLabel]: name, "job-name": name };
  const template: PodTemplateSpec = {
    spec: spec.template?.spec,
    metadata: { ...emptyMetadata, ...spec.template?.metadata, labels: { ...spec.template?.metadata?.labels, ...made } },
  };
  return { ...job, spec: { ...spec, selector: { matchLabels: { [uidLabel]: uid }, matchExpressions: [] }, template } };
}

function specWithDefaults(spec: JobSpec): JobSpec {
  const once = spec.completions === undefined && spec.parallelism === undefined;
  return {
    ...spec,
    parallelism: spec.parallelism ?? 1,
    completions: once ? 1 : spec.completions,
    backoffLimit: spec.backoffLimit ?? 6,
    template: spec.template === undefined ? undefined : templateWithDefaults(spec.template),
    completionMode: spec.completionMode || "NonIndexed",
    suspend: spec.suspend ?? false,
  };
}

function validateSpec(spec: JobSpec): Problem[] {
  const { parallelism, completions, activeDeadlineSeconds, backoffLimit, ttlSecondsAfterFinished, completionMode = "" } = spec;
  const amounts = { parallelism, completions, activeDeadlineSeconds, backoffLimit, ttlSecondsAfterFinished };
  const problems = Object.entries(amounts).flatMap(([field, value]) => outside(`spec.${field}`, value, { min: 0 }));
  if (!modes.includes(completionMode)) problems.push(unsupported("spec.completionMode", completionMode, modes));
  if (completionMode === "Indexed") {
    if (completions === undefined) problems.push(required("spec.completions", "when completion mode is Indexed"));
    problems.push(...outside("spec.completions", completions, { min: 0, max: indexedCompletionsMax }));
  }
  if (spec.manualSelector === true && spec.selector === undefined) problems.push(required("spec.selector"));
  if (spec.selector !== undefined) problems.push(...validateLabelSelector(spec.selector, "spec.selector"));
  return [...problems, ...validateTemplate(spec.template, { path: "spec.template", policies })];
}

function validateSpecUpdate(job: Job, before: Job): Problem[] {
  const [next, previous] = [specOf(job), specOf(before)];
  const fixed = ["completions", "selector", "completionMode", "manualSelector"];
  // What waits to begin may still be told where to.
  if (before.spec?.suspend !== true || before.status?.startTime !== undefined) fixed.push("template");
  return fixed
    .filter((field) => !jsonEqual(own(next, field), own(previous, field)))
    .map((field) => invalidValue(`spec.${field}`, own(next, field), "field is immutable"));
}

function specOf(job: Job): JsonObject {
  const { spec } = jobKind.toJson(job) as { readonly spec?: JsonObject };
  return spec ?? {};
}
