import { StatefulSet, type StatefulSetSpec, type StatefulSetUpdateStrategy } from "#proto/podwire/v1/resources.ts";
import { isZero, validateIntOrPercent } from "../int-or-percent.ts";
import { jsonEqual } from "../json.ts";
import { labelNameProblem, subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { templateWithDefaults } from "./pod-template.ts";
import { forbidden, invalidValue, outside, required, unless, unsupported } from "./problem.ts";
import { validateLastingTemplate, validateOwnSelector } from "./workload.ts";

const policies = ["OrderedReady", "Parallel"];
const strategies = ["OnDelete", "RollingUpdate"];
const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

export const statefulSetKind: Kind<StatefulSet> = {
  kind: "StatefulSet",
  apiVersion: "apps/v1",
  plural: "statefulsets",
  singular: "statefulset",
  shortNames: ["sts"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => StatefulSet.fromJSON(json),
  toJson: (set) => StatefulSet.toJSON(set),
  wrap: (value) => ({ object: { $case: "statefulSet", value } }),
  withDefaults: (set) => ({
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: set.metadata ?? emptyMetadata,
    spec: set.spec === undefined ? undefined : specWithDefaults(set.spec),
  }),
  validate: (set) => [
    ...validateMetadata(set, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(set.spec === undefined ? [required("spec.selector")] : validateSpec(set.spec)),
  ],
  validateUpdate: (next, previous) => [...validateMetadataUpdate(next, previous), ...validateSpecUpdate(next, previous)],
};

function specWithDefaults(spec: StatefulSetSpec): StatefulSetSpec {
  return {
    ...spec,
    replicas: spec.replicas ?? 1,
    template: spec.template === undefined ? undefined : templateWithDefaults(spec.template),
    podManagementPolicy: spec.podManagementPolicy || "OrderedReady",
    updateStrategy: strategyWithDefaults(spec.updateStrategy),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
  };
}

function strategyWithDefaults(strategy: StatefulSetUpdateStrategy | undefined): StatefulSetUpdateStrategy {
  const type = strategy?.type || "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  return { type, rollingUpdate: { ...strategy?.rollingUpdate, partition: strategy?.rollingUpdate?.partition ?? 0 } };
}

function validateSpec(spec: StatefulSetSpec): Problem[] {
  const { replicas, selector, template, serviceName = "", podManagementPolicy: policy = "", minReadySeconds, ordinals } = spec;
  return [
    ...outside("spec.replicas", replicas, { min: 0 }),
    ...validateOwnSelector(selector, { template, controller: "StatefulSet" }),
    ...validateLastingTemplate(template, "StatefulSet"),
    // It is the subdomain of the pods.
    ...(serviceName === "" ? [] : unless("spec.serviceName", serviceName, labelNameProblem(serviceName))),
    ...(policies.includes(policy) ? [] : [unsupported("spec.podManagementPolicy", policy, policies)]),
    ...validateStrategy(spec.updateStrategy, "spec.updateStrategy"),
    ...outside("spec.revisionHistoryLimit", spec.revisionHistoryLimit, { min: 0 }),
    ...outside("spec.minReadySeconds", minReadySeconds, { min: 0 }),
    ...outside("spec.ordinals.start", ordinals?.start, { min: 0 }),
  ];
}

function validateStrategy({ type = "", rollingUpdate }: StatefulSetUpdateStrategy = {}, path: string): Problem[] {
  if (!strategies.includes(type)) return [unsupported(`${path}.type`, type, strategies)];
  if (rollingUpdate === undefined) return [];
  if (type === "OnDelete")
    return [invalidValue(`${path}.rollingUpdate`, rollingUpdate, `only allowed for updateStrategy 'RollingUpdate'`)];
  const { partition, maxUnavailable } = rollingUpdate;
  const problems = outside(`${path}.rollingUpdate.partition`, partition, { min: 0 });
  if (maxUnavailable === undefined) return problems;
  problems.push(...validateIntOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable));
  if (isZero(maxUnavailable)) problems.push(invalidValue(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, "cannot be 0"));
  return problems;
}

function validateSpecUpdate(next: StatefulSet, previous: StatefulSet): Problem[] {
  const [after, before] = [next, previous].map((set) => fixedPart(set));
  if (jsonEqual(after, before)) return [];
  const list = changeable.map((field) => `'${field}'`);
  const names = `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`;
  return [forbidden("spec", `updates to statefulset spec for fields other than ${names} are forbidden`)];
}

function fixedPart(set: StatefulSet): unknown {
  const { spec } = statefulSetKind.toJson(statefulSetKind.withDefaults(set)) as { readonly spec?: object };
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !(changeable as readonly string[]).includes(field)));
}
