/* The template of pods in the description of what makes them. */

import type { PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { containersLines } from "./container.ts";
import { annotationsField, indented, labelsField } from "./fields.ts";
import { volumeLines } from "./volume.ts";

export function podTemplateLines(template: PodTemplateSpec | undefined): string[] {
  const { metadata, spec } = template ?? {};
  const pod = { metadata, spec, status: undefined };
  return [
    "Pod Template:",
    ...indented([
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...(Object.keys(metadata?.annotations ?? {}).length === 0 ? [] : annotationsField(metadata?.annotations ?? {})),
      ...containersLines("Init Containers", spec?.initContainers ?? [], pod),
      ...containersLines("Containers", spec?.containers ?? [], pod),
      ...volumeLines(spec?.volumes ?? []),
    ]),
  ];
}
