import type { Namespace } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, conditionsLines, field, labelsField } from "./fields.ts";

export const namespaceDescriber: Describer<Namespace> = {
  lines: ({ metadata, status }) => [
    field("Name", metadata?.name),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    field("Status", status?.phase),
    ...conditionsLines(status?.conditions ?? []),
    "",
    "No resource quota.",
    "",
    "No LimitRange resource.",
  ],
};
