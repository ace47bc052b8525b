import { Deployment, type DeploymentSpec, type DeploymentStrategy } from "#proto/podwire/v1/resources.ts";
import { isZero, percentOf, validateIntOrPercent } from "../int-or-percent.ts";
import { subdomainNameProblem } from "../names.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { templateWithDefaults } from "./pod-template.ts";
import { forbidden, invalidValue, outside, required, unsupported } from "./problem.ts";
import { validateLastingTemplate, validateOwnSelector, validateSelectorUpdate } from "./workload.ts";

const strategies = ["Recreate", "RollingUpdate"];
const share = "25%";

export const deploymentKind: Kind<Deployment> = {
  kind: "Deployment",
  apiVersion: "apps/v1",
  plural: "deployments",
  singular: "deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => Deployment.fromJSON(json),
  toJson: (deployment) => Deployment.toJSON(deployment),
  wrap: (value) => ({ object: { $case: "deployment", value } }),
  withDefaults: (deployment) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: deployment.metadata ?? emptyMetadata,
    spec: deployment.spec === undefined ? undefined : specWithDefaults(deployment.spec),
  }),
  validate: (deployment) => [
    ...validateMetadata(deployment, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(deployment.spec === undefined ? [required("spec.selector")] : validateSpec(deployment.spec)),
  ],
  validateUpdate: (next, previous) => [
    ...validateMetadataUpdate(next, previous),
    ...validateSelectorUpdate(next.spec?.selector, previous.spec?.selector),
  ],
};

function specWithDefaults(spec: DeploymentSpec): DeploymentSpec {
  return {
    ...spec,
    replicas: spec.replicas ?? 1,
    template: spec.template === undefined ? undefined : templateWithDefaults(spec.template),
    strategy: strategyWithDefaults(spec.strategy),
    revisionHistoryLimit: spec.revisionHistoryLimit ?? 10,
    progressDeadlineSeconds: spec.progressDeadlineSeconds ?? 600,
  };
}

function strategyWithDefaults(strategy: DeploymentStrategy | undefined): DeploymentStrategy {
  const type = strategy?.type || "RollingUpdate";
  if (type !== "RollingUpdate") return { ...strategy, type };
  const { maxUnavailable = share, maxSurge = share } = strategy?.rollingUpdate ?? {};
  return { type, rollingUpdate: { maxUnavailable, maxSurge } };
}

function validateSpec(spec: DeploymentSpec): Problem[] {
  const { replicas, selector, template, minReadySeconds = 0, revisionHistoryLimit, progressDeadlineSeconds } = spec;
  const problems = [
    ...outside("spec.replicas", replicas, { min: 0 }),
    ...validateOwnSelector(selector, { template, controller: "Deployment" }),
    ...validateLastingTemplate(template, "Deployment"),
    ...validateStrategy(spec.strategy, "spec.strategy"),
    ...outside("spec.minReadySeconds", minReadySeconds, { min: 0 }),
    ...outside("spec.revisionHistoryLimit", revisionHistoryLimit, { min: 0 }),
    ...outside("spec.progressDeadlineSeconds", progressDeadlineSeconds, { min: 0 }),
  ];
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    problems.push(invalidValue("spec.progressDeadlineSeconds", progressDeadlineSeconds, "must be greater than minReadySeconds"));
  }
  return problems;
}

function validateStrategy({ type = "", rollingUpdate }: DeploymentStrategy = {}, path: string): Problem[] {
  if (!strategies.includes(type)) return [unsupported(`${path}.type`, type, strategies)];
  if (type === "Recreate") {
    if (rollingUpdate === undefined) return [];
    return [forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {};
  const problems = [
    ...validateIntOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable),
    ...validateIntOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    problems.push(invalidValue(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  }
  if ((percentOf(maxUnavailable) ?? 0) > 100) {
    problems.push(invalidValue(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, "must not be greater than 100%"));
  }
  return problems;
}
