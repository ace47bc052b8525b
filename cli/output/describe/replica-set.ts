import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { reasonsTable } from "./deployment.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, controllerField, field, labelsField } from "./fields.ts";
import { podsBeside, podsField } from "./own-pods.ts";
import { podTemplateLines } from "./pod-template.ts";

export const replicaSetDescriber: Describer<ReplicaSet> = {
  related: podsBeside,
  events: true,
  lines: (set, { related }) => [
    field("Name", set.metadata?.name),
    field("Namespace", set.metadata?.namespace),
    field("Selector", formatLabelSelector(set.spec?.selector)),
    ...labelsField("Labels", set.metadata?.labels ?? {}),
    ...annotationsField(set.metadata?.annotations ?? {}),
    ...controllerField(set),
    field("Replicas", `${set.status?.replicas ?? 0} current / ${set.spec?.replicas ?? 0} desired`),
    podsField(set, related),
    ...podTemplateLines(set.spec?.template),
    ...reasonsTable(set.status?.conditions ?? []),
  ],
};
