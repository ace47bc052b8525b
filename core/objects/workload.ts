/* The rules that kinds with a selector and a template of pods share. */

import type { LabelSelector, PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import type { Problem } from "./kind.ts";
import { isEmptySelector, selectorMatches, validateLabelSelector } from "./label-selector.ts";
import { validateTemplate } from "./pod-template.ts";
import { forbidden, invalidValue, required } from "./problem.ts";

/** The selector of a controller, whose pods must be those that its template makes. */
export function validateOwnSelector(
  selector: LabelSelector | undefined,
  { template, controller }: { readonly template: PodTemplateSpec | undefined; readonly controller: string },
): Problem[] {
  if (selector === undefined) return [required("spec.selector")];
  if (isEmptySelector(selector)) {
    return [invalidValue("spec.selector", selector, `empty selector is invalid for ${controller.toLowerCase()}`)];
  }
  const problems = validateLabelSelector(selector, "spec.selector");
  const labels = template?.metadata?.labels ?? {};
  if (problems.length > 0 || template === undefined || selectorMatches(selector, labels)) return problems;
  return [invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")];
}

/** The template of pods that are kept running. */
export function validateLastingTemplate(template: PodTemplateSpec | undefined, controller: string): Problem[] {
  const path = "spec.template";
  const problems = validateTemplate(template, { path, policies: ["Always"] });
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    problems.push(forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${controller} is not Supported`));
  }
  return problems;
}

export function validateSelectorUpdate(next: LabelSelector | undefined, previous: LabelSelector | undefined): Problem[] {
  return selectorText(next) === selectorText(previous) ? [] : [invalidValue("spec.selector", next, "field is immutable")];
}

function selectorText(selector: LabelSelector | undefined): string {
  if (selector === undefined) return "";
  return JSON.stringify([Object.entries(selector.matchLabels).sort(), selector.matchExpressions]);
}
