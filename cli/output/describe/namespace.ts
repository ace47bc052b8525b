import type { Namespace } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, conditionsTable, field, labelsField } from "./fields.ts";

export const namespaceDescriber: Describer<Namespace> = {
  lines: ({ metadata, status }) => [
    field("Name", metadata?.name),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    field("Status", status?.phase),
    ...(status?.conditions.length ? ["Conditions:", ...conditionsTable(status.conditions)] : []),
    "",
    "No resource quota.",
    "",
    "No LimitRange resource.",
  ],
};
