/* The selector in an object's spec: labels and expressions, all of which must hold
 * (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements). */

import type { LabelSelector, LabelSelectorRequirement } from "#proto/podwire/v1/resources.ts";
import { own } from "../json.ts";
import { labelValueProblem, qualifiedNameProblem } from "../names.ts";
import type { Problem } from "./kind.ts";
import { validateLabels } from "./metadata.ts";
import { forbidden, required, unless, unsupported } from "./problem.ts";

const operators = ["DoesNotExist", "Exists", "In", "NotIn"];

export function validateLabelSelector(selector: LabelSelector, path: string): Problem[] {
  return [
    ...validateLabels(selector.matchLabels, `${path}.matchLabels`),
    ...selector.matchExpressions.flatMap((one, i) => validateRequirement(one, `${path}.matchExpressions[${i}]`)),
  ];
}

function validateRequirement({ key = "", operator = "", values }: LabelSelectorRequirement, path: string): Problem[] {
  const problems = key === "" ? [required(`${path}.key`)] : unless(`${path}.key`, key, qualifiedNameProblem(key));
  const takesValues = operator === "In" || operator === "NotIn";
  if (!operators.includes(operator)) problems.push(unsupported(`${path}.operator`, operator, operators));
  else if (takesValues && values.length === 0) {
    problems.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (!takesValues && values.length > 0) {
    problems.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  }
  return [...problems, ...values.flatMap((value, i) => unless(`${path}.values[${i}]`, value, labelValueProblem(value)))];
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** An empty selector matches everything, an absent one nothing. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) return false;
  const pairs = Object.entries(selector.matchLabels);
  return (
    pairs.every(([key, value]) => own(labels, key) === value) &&
    selector.matchExpressions.every((one) => requirementHolds(one, own(labels, one.key ?? "")))
  );
}

/** As in Kubernetes, NotIn holds where the label is absent; an unknown operator never does. */
export function requirementHolds(
  { operator, values }: Pick<LabelSelectorRequirement, "operator" | "values">,
  value: string | undefined,
): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** As kubectl prints it: `app=web,tier in (a,b),!old`; `<none>` where it is empty. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  const pairs = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const words = [...pairs.sort(), ...(selector?.matchExpressions ?? []).map(requirementText)];
  return words.length === 0 ? "<none>" : words.join(",");
}

function requirementText({ key = "", operator, values }: LabelSelectorRequirement): string {
  switch (operator) {
    case "In":
      return `${key} in (${values.join(",")})`;
    case "NotIn":
      return `${key} notin (${values.join(",")})`;
    case "Exists":
      return key;
    default:
      return `!${key}`;
  }
}
