import { ReplicaSet, type ReplicaSetSpec } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { templateWithDefaults } from "./pod-template.ts";
import { outside, required } from "./problem.ts";
import { validateLastingTemplate, validateOwnSelector, validateSelectorUpdate } from "./workload.ts";

export const replicaSetKind: Kind<ReplicaSet> = {
  kind: "ReplicaSet",
  apiVersion: "apps/v1",
  plural: "replicasets",
  singular: "replicaset",
  shortNames: ["rs"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => ReplicaSet.fromJSON(json),
  toJson: (set) => ReplicaSet.toJSON(set),
  wrap: (value) => ({ object: { $case: "replicaSet", value } }),
  withDefaults: (set) => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: set.metadata ?? emptyMetadata,
    spec: set.spec === undefined ? undefined : specWithDefaults(set.spec),
  }),
  validate: (set) => [
    ...validateMetadata(set, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(set.spec === undefined ? [required("spec.selector")] : validateSpec(set.spec)),
  ],
  validateUpdate: (next, previous) => [
    ...validateMetadataUpdate(next, previous),
    ...validateSelectorUpdate(next.spec?.selector, previous.spec?.selector),
  ],
};

function specWithDefaults(spec: ReplicaSetSpec): ReplicaSetSpec {
  return {
    ...spec,
    replicas: spec.replicas ?? 1,
    template: spec.template === undefined ? undefined : templateWithDefaults(spec.template),
  };
}

function validateSpec({ replicas, minReadySeconds, selector, template }: ReplicaSetSpec): Problem[] {
  return [
    ...outside("spec.replicas", replicas, { min: 0 }),
    ...outside("spec.minReadySeconds", minReadySeconds, { min: 0 }),
    ...validateOwnSelector(selector, { template, controller: "ReplicaSet" }),
    ...validateLastingTemplate(template, "ReplicaSet"),
  ];
}
