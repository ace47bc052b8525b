import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { StatefulSet } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField, timeText } from "./fields.ts";
import { podsBeside, podsField } from "./own-pods.ts";
import { podTemplateLines } from "./pod-template.ts";

export const statefulSetDescriber: Describer<StatefulSet> = {
  related: podsBeside,
  events: true,
  lines: (set, { related }) => {
    const { metadata, spec, status } = set;
    const { type, rollingUpdate } = spec?.updateStrategy ?? {};
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      field("CreationTimestamp", timeText(metadata?.creationTimestamp)),
      field("Selector", formatLabelSelector(spec?.selector)),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("Replicas", `${spec?.replicas ?? 1} desired | ${status?.replicas ?? 0} total`),
      field("Update Strategy", type),
      ...(rollingUpdate?.partition === undefined ? [] : [`  ${field("Partition", rollingUpdate.partition)}`]),
      podsField(set, related),
      ...podTemplateLines(spec?.template),
    ];
  },
};
