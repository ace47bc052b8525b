import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { field, indented } from "./fields.ts";

export const podDisruptionBudgetDescriber: Describer<PodDisruptionBudget> = {
  events: true,
  lines: ({ metadata, spec, status }) => [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    ...(spec?.minAvailable === undefined ? [] : [field("Min available", String(spec.minAvailable))]),
    ...(spec?.maxUnavailable === undefined ? [] : [field("Max unavailable", String(spec.maxUnavailable))]),
    field("Selector", formatLabelSelector(spec?.selector)),
    "Status:",
    ...indented(
      [
        field("Allowed disruptions", status?.disruptionsAllowed ?? 0),
        field("Current", status?.currentHealthy ?? 0),
        field("Desired", status?.desiredHealthy ?? 0),
        field("Total", status?.expectedPods ?? 0),
      ],
      4,
    ),
  ],
};
