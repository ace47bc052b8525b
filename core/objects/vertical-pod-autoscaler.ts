/* autoscaling.k8s.io/v1 (kubernetes/autoscaler, vertical-pod-autoscaler). */

import { VerticalPodAutoscaler, type VerticalPodAutoscalerSpec } from "#proto/podwire/v1/resources.ts";
import { subdomainNameProblem } from "../names.ts";
import { parseQuantity, quantityProblem } from "../quantity.ts";
import type { Kind, Problem } from "./kind.ts";
import { emptyMetadata, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { duplicate, invalidValue, outside, required, unsupported } from "./problem.ts";
import { validateReference } from "./scale-target.ts";

/** InPlace and InPlaceOrRecreate change a container while it runs, which no agent does. */
const updateModes = ["Initial", "Off", "Recreate"];
const containerModes = ["Auto", "Off"];
const controlledValues = ["RequestsAndLimits", "RequestsOnly"];
const controlledResources = ["cpu", "memory"];

export const verticalPodAutoscalerKind: Kind<VerticalPodAutoscaler> = {
  kind: "VerticalPodAutoscaler",
  apiVersion: "autoscaling.k8s.io/v1",
  plural: "verticalpodautoscalers",
  singular: "verticalpodautoscaler",
  shortNames: ["vpa"],
  categories: [],
  namespaced: true,
  fromJson: (json) => VerticalPodAutoscaler.fromJSON(json),
  toJson: (autoscaler) => VerticalPodAutoscaler.toJSON(autoscaler),
  wrap: (value) => ({ object: { $case: "verticalPodAutoscaler", value } }),
  withDefaults: ({ metadata, spec }) => ({
    apiVersion: "autoscaling.k8s.io/v1",
    kind: "VerticalPodAutoscaler",
    metadata: metadata ?? emptyMetadata,
    spec: spec && { ...spec, updatePolicy: { ...spec.updatePolicy, updateMode: spec.updatePolicy?.updateMode ?? "Recreate" } },
  }),
  validate: (autoscaler) => [
    ...validateMetadata(autoscaler, { namespaced: true, nameProblem: subdomainNameProblem }),
    ...(autoscaler.spec === undefined ? [required("spec")] : validateSpec(autoscaler.spec)),
  ],
  validateUpdate: validateMetadataUpdate,
};

function validateSpec({ targetRef, updatePolicy, resourcePolicy }: VerticalPodAutoscalerSpec): Problem[] {
  const { updateMode = "Recreate", minReplicas } = updatePolicy ?? {};
  const problems = [
    ...validateReference("spec.targetRef", targetRef),
    ...oneOf("spec.updatePolicy.updateMode", updateMode, updateModes),
    ...outside("spec.updatePolicy.minReplicas", minReplicas, { min: 1 }),
  ];
  const names = new Set<string>();
  for (const [i, policy] of (resourcePolicy?.containerPolicies ?? []).entries()) {
    const path = `spec.resourcePolicy.containerPolicies[${i}]`;
    const name = policy.containerName ?? "";
    if (name === "") problems.push(required(`${path}.containerName`));
    if (names.has(name)) problems.push(duplicate(`${path}.containerName`, name));
    names.add(name);
    problems.push(
      ...oneOf(`${path}.mode`, policy.mode, containerModes),
      ...oneOf(`${path}.controlledValues`, policy.controlledValues, controlledValues),
      ...policy.controlledResources.flatMap((resource, j) =>
        oneOf(`${path}.controlledResources[${j}]`, resource, controlledResources),
      ),
      ...validateBounds(path, policy.minAllowed, policy.maxAllowed),
    );
  }
  return problems;
}

function validateBounds(path: string, min: Readonly<Record<string, string>>, max: Readonly<Record<string, string>>): Problem[] {
  const bad = [
    ...Object.entries(min).map(([name, text]) => ({ at: `${path}.minAllowed[${name}]`, text })),
    ...Object.entries(max).map(([name, text]) => ({ at: `${path}.maxAllowed[${name}]`, text })),
  ].flatMap(({ at, text }) => {
    const problem = quantityProblem(text);
    return problem === undefined ? [] : [invalidValue(at, text, problem)];
  });
  if (bad.length > 0) return bad;
  return Object.entries(min).flatMap(([name, text]) => {
    const most = max[name];
    if (most === undefined || parseQuantity(text) <= parseQuantity(most)) return [];
    return [invalidValue(`${path}.maxAllowed[${name}]`, most, `must be at least minAllowed, which is ${text}`)];
  });
}

function oneOf(path: string, value: string | undefined, supported: readonly string[]): Problem[] {
  return value === undefined || supported.includes(value) ? [] : [unsupported(path, value, supported)];
}
