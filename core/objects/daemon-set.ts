import { DaemonSet, type DaemonSetSpec, type DaemonSetUpdateStrategy } from "#proto/podwire/v1/resources.ts";
import { isZero, validateIntOrPercent } from "../int-or-percent.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { templateWithDefaults } from "./pod-template.ts";
import { invalidValue, outside, required, unsupported } from "./problem.ts";
import { validateLastingTemplate, validateOwnSelector, validateSelectorUpdate } from "./workload.ts";

const strategies = ["OnDelete", "RollingUpdate"];

export const daemonSetKind: Kind<DaemonSet> = {
  kind: "DaemonSet",
  apiVersion: "apps/v1",
  plural: "daemonsets",
  singular: "daemonset",
  shortNames: ["ds"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => DaemonSet.fromJSON(json),
  toJson: (set) => DaemonSet.toJSON(set),
  wrap: (value) => ({ object: { $case: "daemonSet", value } }),
  withDefaults: (set) => ({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
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

function specWithDefaults(spec: DaemonSetSpec): DaemonSetSpec {
  return {
    ...spec,
    template: spec.template === undefined ? undefined : templateWithDefaults(spec.template),
    updateStrategy: strategyWithDefaults(spec.updateStrategy),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
  };
}

function strategyWithDefaults(strategy: DaemonSetUpdateStrategy | undefined): DaemonSetUpdateStrategy {
  const type = strategy?.type || "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  const { maxUnavailable = 1, maxSurge = 0 } = strategy?.rollingUpdate ?? {};
  return { type, rollingUpdate: { maxUnavailable, maxSurge } };
}

function validateSpec(spec: DaemonSetSpec): Problem[] {
  const { selector, template, minReadySeconds, revisionHistoryLimit, updateStrategy } = spec;
  return [
    ...validateOwnSelector(selector, { template, controller: "DaemonSet" }),
    ...validateLastingTemplate(template, "DaemonSet"),
    ...validateStrategy(updateStrategy, "spec.updateStrategy"),
    ...outside("spec.minReadySeconds", minReadySeconds, { min: 0 }),
    ...outside("spec.revisionHistoryLimit", revisionHistoryLimit, { min: 0 }),
  ];
}

function validateStrategy({ type = "", rollingUpdate }: DaemonSetUpdateStrategy = {}, path: string): Problem[] {
  if (!strategies.includes(type)) return [unsupported(`${path}.type`, type, strategies)];
  if (type === "OnDelete" || rollingUpdate === undefined) return [];
  const { maxUnavailable, maxSurge } = rollingUpdate;
  const problems = [
    ...validateIntOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...validateIntOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge),
  ];
  const [keepsAll, addsNone] = [isZero(maxUnavailable), isZero(maxSurge)];
  if (keepsAll && addsNone) {
    problems.push(invalidValue(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, "cannot be 0 when maxSurge is 0"));
  }
  if (!keepsAll && !addsNone) {
    problems.push(invalidValue(`${path}.rollingUpdate.maxSurge`, maxSurge, "may not be set when maxUnavailable is non-zero"));
  }
  return problems;
}
