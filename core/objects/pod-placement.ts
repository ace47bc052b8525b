/* The rules of what a pod says about the nodes that it may come to: tolerations and node affinity. */

import { type Affinity, type NodeSelectorRequirement, type NodeSelectorTerm, Toleration } from "#proto/podwire/v1/resources.ts";
import { labelValueProblem, qualifiedNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { forbidden, invalidValue, required, unless, unsupported } from "./problem.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/** For so long a pod stays on a node that is not ready or not reachable. */
const defaultTolerationSeconds = 300;
const nodeProblems = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/** As Kubernetes' DefaultTolerationSeconds: unless the pod says itself how long it stays on a node that is lost. */
export function tolerationsWithDefaults(tolerations: readonly Toleration[]): Toleration[] {
  const added = nodeProblems
    .filter((key) => !tolerations.some((toleration) => tolerates(toleration, { key, value: "", effect: "NoExecute" })))
    .map((key) =>
      Toleration.fromJSON({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: defaultTolerationSeconds }),
    );
  return [...tolerations, ...added];
}

export interface TaintLike {
  readonly key?: string | undefined;
  readonly value?: string | undefined;
  readonly effect?: string | undefined;
}

export function tolerates({ key = "", operator = "", value = "", effect = "" }: Toleration, taint: TaintLike): boolean {
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  return operator === "Exists" || (key !== "" && value === (taint.value ?? ""));
}

export function validateTolerations(tolerations: readonly Toleration[], path: string): Problem[] {
  return tolerations.flatMap((toleration, i) => {
    const at = `${path}[${i}]`;
    const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
    const problems = key === "" ? [] : unless(`${at}.key`, key, qualifiedNameProblem(key));
    if (key === "" && operator !== "Exists") {
      const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      problems.push(invalidValue(`${at}.operator`, operator, why));
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      problems.push(invalidValue(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === "Exists") {
      if (value !== "") problems.push(invalidValue(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
    } else if (operator === "" || operator === "Equal") {
      problems.push(...unless(`${at}.operator`, value, labelValueProblem(value)));
    } else {
      problems.push(unsupported(`${at}.operator`, operator, ["Equal", "Exists"]));
    }
    if (effect !== "" && !effects.includes(effect)) problems.push(unsupported(`${at}.effect`, effect, effects));
    return problems;
  });
}

export function validateAffinity({ nodeAffinity }: Affinity, path: string): Problem[] {
  if (nodeAffinity === undefined) return [];
  const needed = nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution;
  const terms = `${path}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  const problems: Problem[] = [];
  if (needed !== undefined && needed.nodeSelectorTerms.length === 0) {
    problems.push(required(terms, "must have at least one node selector term"));
  }
  for (const [i, term] of (needed?.nodeSelectorTerms ?? []).entries()) problems.push(...validateTerm(term, `${terms}[${i}]`));
  for (const [i, { weight = 0, preference }] of preferred.entries()) {
    const at = `${path}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    if (weight < 1 || weight > 100) problems.push(invalidValue(`${at}.weight`, weight, "must be in the range 1-100"));
    if (preference !== undefined) problems.push(...validateTerm(preference, `${at}.preference`));
  }
  return problems;
}

function validateTerm({ matchExpressions, matchFields }: NodeSelectorTerm, path: string): Problem[] {
  return [
    ...matchExpressions.flatMap((requirement, i) => validateExpression(requirement, `${path}.matchExpressions[${i}]`)),
    ...matchFields.flatMap((requirement, i) => validateField(requirement, `${path}.matchFields[${i}]`)),
  ];
}

function validateExpression({ key = "", operator = "", values }: NodeSelectorRequirement, path: string): Problem[] {
  const problems = unless(`${path}.key`, key, qualifiedNameProblem(key));
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) problems.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) {
        problems.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      }
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1) {
        problems.push(required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      }
      break;
    default:
      problems.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
  }
  return problems;
}

function validateField({ key = "", operator = "", values }: NodeSelectorRequirement, path: string): Problem[] {
  const problems: Problem[] = [];
  if (operator !== "In" && operator !== "NotIn") {
    problems.push(invalidValue(`${path}.operator`, operator, "not a valid selector operator"));
  } else if (values.length !== 1) {
    const why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    problems.push(required(`${path}.values`, why));
  }
  if (key !== "metadata.name") problems.push(invalidValue(`${path}.key`, key, "not a valid field selector key"));
  return problems;
}
