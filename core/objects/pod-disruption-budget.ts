import { PodDisruptionBudget, type PodDisruptionBudgetSpec } from "#proto/podwire/v1/resources.ts";
import { percentOf, validateIntOrPercent } from "../int-or-percent.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { validateLabelSelector } from "./label-selector.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { invalidValue, unsupported } from "./problem.ts";

const policies = ["AlwaysAllow", "IfHealthyBudget"];

export const podDisruptionBudgetKind: Kind<PodDisruptionBudget> = {
  kind: "PodDisruptionBudget",
  apiVersion: "policy/v1",
  plural: "poddisruptionbudgets",
  singular: "poddisruptionbudget",
  shortNames: ["pdb"],
  categories: [],
  namespaced: true,
  fromJson: (json) => PodDisruptionBudget.fromJSON(json),
  toJson: (budget) => PodDisruptionBudget.toJSON(budget),
  wrap: (value) => ({ object: { $case: "podDisruptionBudget", value } }),
  withDefaults: (budget) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: budget.metadata ?? emptyMetadata,
    spec: budget.spec,
  }),
  validate: (budget) => [
    ...validateMetadata(budget, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(budget.spec === undefined ? [] : validateSpec(budget.spec)),
  ],
  validateUpdate: validateMetadataUpdate,
};

function validateSpec(spec: PodDisruptionBudgetSpec): Problem[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  const problems: Problem[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    problems.push(invalidValue("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const [field, value] of Object.entries({ minAvailable, maxUnavailable })) {
    if (value !== undefined) problems.push(...validateShare(`spec.${field}`, value));
  }
  if (selector !== undefined) problems.push(...validateLabelSelector(selector, "spec.selector"));
  if (policy !== undefined && !policies.includes(policy)) {
    problems.push(unsupported("spec.unhealthyPodEvictionPolicy", policy, policies));
  }
  return problems;
}

function validateShare(path: string, value: unknown): Problem[] {
  const problems = validateIntOrPercent(path, value);
  return (percentOf(value) ?? 0) > 100 ? [...problems, invalidValue(path, value, "must not be greater than 100%")] : problems;
}
