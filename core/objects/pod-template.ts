/* The template from which controllers make pods. */

import type { PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import type { Problem } from "./kind.ts";
import { emptyMetadata, validateLabels } from "./metadata.ts";
import { podSpecWithDefaults, validatePodSpec } from "./pod.ts";
import { required, unsupported } from "./problem.ts";

export function templateWithDefaults(template: PodTemplateSpec): PodTemplateSpec {
  return {
    metadata: template.metadata ?? emptyMetadata,
    spec: template.spec === undefined ? undefined : podSpecWithDefaults(template.spec),
  };
}

/** `policies` are the restart policies that the controller can do with. */
export function validateTemplate(
  template: PodTemplateSpec | undefined,
  { path, policies }: { readonly path: string; readonly policies: readonly string[] },
): Problem[] {
  if (template?.spec === undefined) return [required(`${path}.spec.containers`)];
  const { restartPolicy = "" } = template.spec;
  return [
    ...validateLabels(template.metadata?.labels ?? {}, `${path}.metadata.labels`),
    ...validatePodSpec(template.spec, `${path}.spec`),
    ...(policies.includes(restartPolicy) ? [] : [unsupported(`${path}.spec.restartPolicy`, restartPolicy, policies)]),
  ];
}
