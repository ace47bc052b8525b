/* The rules of autoscaling/v2 (Kubernetes' pkg/apis/autoscaling/validation), and its defaults. */

import {
  HorizontalPodAutoscaler,
  type HorizontalPodAutoscalerSpec,
  type HPAScalingRules,
  type MetricSpec,
  type MetricTarget,
} from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import { parseQuantity, quantityProblem } from "../quantity.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { forbidden, invalidValue, outside, required, unsupported } from "./problem.ts";
import { validateReference } from "./scale-target.ts";

const metricTypes = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const targetTypes = ["AverageValue", "Utilization", "Value"];
const selectPolicies = ["Disabled", "Max", "Min"];
const policyTypes = ["Percent", "Pods"];
const stabilizationSecondsMax = 3_600;
const periodSecondsMax = 1_800;

/** Kubernetes' defaults: pkg/apis/autoscaling/v2/defaults.go. */
const scaleUpPolicies = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const scaleDownPolicies = [{ type: "Percent", value: 100, periodSeconds: 15 }];

export const horizontalPodAutoscalerKind: Kind<HorizontalPodAutoscaler> = {
  kind: "HorizontalPodAutoscaler",
  apiVersion: "autoscaling/v2",
  plural: "horizontalpodautoscalers",
  singular: "horizontalpodautoscaler",
  shortNames: ["hpa"],
  categories: ["all"],
  namespaced: true,
  fromJson: (json) => HorizontalPodAutoscaler.fromJSON(json),
  toJson: (autoscaler) => HorizontalPodAutoscaler.toJSON(autoscaler),
  wrap: (value) => ({ object: { $case: "horizontalPodAutoscaler", value } }),
  withDefaults: ({ metadata, spec }) => ({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadata ?? emptyMetadata,
    spec: spec && specWithDefaults(spec),
  }),
  validate: (autoscaler) => [
    ...validateMetadata(autoscaler, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(autoscaler.spec === undefined ? [required("spec")] : validateSpec(autoscaler.spec)),
  ],
  validateUpdate: validateMetadataUpdate,
};

function specWithDefaults(spec: HorizontalPodAutoscalerSpec): HorizontalPodAutoscalerSpec {
  const metrics: MetricSpec[] =
    spec.metrics.length > 0
      ? spec.metrics
      : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }];
  const { behavior } = spec;
  return {
    ...spec,
    minReplicas: spec.minReplicas ?? 1,
    metrics,
    behavior: behavior && {
      scaleUp: behavior.scaleUp && rulesWithDefaults(behavior.scaleUp, { seconds: 0, policies: scaleUpPolicies }),
      scaleDown: behavior.scaleDown && rulesWithDefaults(behavior.scaleDown, { policies: scaleDownPolicies }),
    },
  };
}

interface RuleDefaults {
  /** Where it is absent the controller's own counts. */
  readonly seconds?: number;
  readonly policies: HPAScalingRules["policies"];
}

function rulesWithDefaults(rules: HPAScalingRules, { seconds, policies }: RuleDefaults): HPAScalingRules {
  return {
    ...rules,
    stabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? seconds,
    selectPolicy: rules.selectPolicy ?? "Max",
    policies: rules.policies.length > 0 ? rules.policies : policies,
  };
}

/** What it does where it says nothing of `behavior`. */
export const defaultBehavior = {
  scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: scaleUpPolicies },
  scaleDown: { stabilizationWindowSeconds: 300, selectPolicy: "Max", policies: scaleDownPolicies },
} as const satisfies Record<"scaleUp" | "scaleDown", HPAScalingRules>;

function validateSpec(spec: HorizontalPodAutoscalerSpec): Problem[] {
  const { minReplicas = 1, maxReplicas, behavior } = spec;
  const problems = [
    ...outside("spec.minReplicas", minReplicas, { min: 1 }),
    ...(maxReplicas === undefined ? [required("spec.maxReplicas")] : outside("spec.maxReplicas", maxReplicas, { min: 1 })),
    ...validateReference("spec.scaleTargetRef", spec.scaleTargetRef),
    ...spec.metrics.flatMap((metric, i) => validateMetric(`spec.metrics[${i}]`, metric)),
    ...validateRules("spec.behavior.scaleUp", behavior?.scaleUp),
    ...validateRules("spec.behavior.scaleDown", behavior?.scaleDown),
  ];
  if (maxReplicas !== undefined && maxReplicas < minReplicas) {
    problems.push(invalidValue("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  return problems;
}

function validateMetric(path: string, metric: MetricSpec): Problem[] {
  const { type = "" } = metric;
  if (!metricTypes.includes(type))
    return [type === "" ? required(`${path}.type`) : unsupported(`${path}.type`, type, metricTypes)];
  const sources = {
    Resource: metric.resource,
    ContainerResource: metric.containerResource,
    Pods: metric.pods,
    Object: metric.object,
    External: metric.external,
  };
  const field = `${path}.${type.charAt(0).toLowerCase()}${type.slice(1)}`;
  const problems: Problem[] = [];
  for (const [other, source] of Object.entries(sources)) {
    if (source === undefined || other === type) continue;
    const name = `${path}.${other.charAt(0).toLowerCase()}${other.slice(1)}`;
    problems.push(forbidden(name, `must populate the given metric source only: ${type}`));
  }
  switch (type) {
    case "Resource":
    case "ContainerResource": {
      const source = type === "Resource" ? metric.resource : metric.containerResource;
      if (source === undefined) return [...problems, required(field, "must populate information for the given metric source")];
      const container = metric.containerResource?.container ?? "";
      if (type === "ContainerResource" && container === "")
        problems.push(required(`${field}.container`, "must specify a container"));
      return [
        ...problems,
        ...(source.name === "cpu" || source.name === "memory"
          ? []
          : [unsupported(`${field}.name`, source.name ?? "", ["cpu", "memory"])]),
        ...validateTarget(`${field}.target`, source.target, ["AverageValue", "Utilization"]),
      ];
    }
    case "Pods":
      if (metric.pods === undefined)
        return [...problems, required(field, "must populate information for the given metric source")];
      return [
        ...problems,
        ...nameOf(`${field}.metric.name`, metric.pods.metric?.name),
        ...validateTarget(`${field}.target`, metric.pods.target, ["AverageValue"]),
      ];
    case "Object":
      if (metric.object === undefined)
        return [...problems, required(field, "must populate information for the given metric source")];
      return [
        ...problems,
        ...validateReference(`${field}.describedObject`, metric.object.describedObject),
        ...nameOf(`${field}.metric.name`, metric.object.metric?.name),
        ...validateTarget(`${field}.target`, metric.object.target, ["AverageValue", "Value"]),
      ];
    default:
      return problems;
  }
}

function nameOf(path: string, name = ""): Problem[] {
  return name === "" ? [required(path, "must specify a metric name")] : [];
}

function validateTarget(path: string, target: MetricTarget | undefined, allowed: readonly string[]): Problem[] {
  const { type = "", value, averageValue, averageUtilization } = target ?? {};
  if (type === "") return [required(`${path}.type`, "must specify a metric target type")];
  if (!targetTypes.includes(type)) return [unsupported(`${path}.type`, type, targetTypes)];
  const given = { Value: value, AverageValue: averageValue, Utilization: averageUtilization }[type];
  const field = { Value: "value", AverageValue: "averageValue", Utilization: "averageUtilization" }[type];
  if (!allowed.includes(type)) return [unsupported(`${path}.type`, type, allowed)];
  if (given === undefined) return [required(`${path}.${field}`, "must specify a positive target")];
  if (typeof given === "number") return given > 0 ? [] : [invalidValue(`${path}.${field}`, given, "must be greater than 0")];
  const problem = quantityProblem(given);
  if (problem !== undefined) return [invalidValue(`${path}.${field}`, given, problem)];
  return parseQuantity(given) > 0n ? [] : [invalidValue(`${path}.${field}`, given, "must be positive")];
}

function validateRules(path: string, rules: HPAScalingRules | undefined): Problem[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds, selectPolicy, policies, tolerance } = rules;
  const problems = [
    ...outside(`${path}.stabilizationWindowSeconds`, stabilizationWindowSeconds, { min: 0, max: stabilizationSecondsMax }),
    ...(selectPolicy === undefined || selectPolicies.includes(selectPolicy)
      ? []
      : [unsupported(`${path}.selectPolicy`, selectPolicy, selectPolicies)]),
    ...policies.flatMap(({ type = "", value, periodSeconds }, i) => [
      ...(policyTypes.includes(type) ? [] : [unsupported(`${path}.policies[${i}].type`, type, policyTypes)]),
      ...outside(`${path}.policies[${i}].value`, value ?? 0, { min: 1 }),
      ...outside(`${path}.policies[${i}].periodSeconds`, periodSeconds ?? 0, { min: 1, max: periodSecondsMax }),
    ]),
  ];
  if (tolerance !== undefined) {
    const problem = quantityProblem(tolerance);
    if (problem !== undefined) problems.push(invalidValue(`${path}.tolerance`, tolerance, problem));
    else if (parseQuantity(tolerance) < 0n)
      problems.push(invalidValue(`${path}.tolerance`, tolerance, "must be greater or equal to zero"));
  }
  return problems;
}
