import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { StatefulSet } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField, timeText } from "./fields.ts";
import { podsBeside, podsOf, podsStatusText, templateLines } from "./pod-template.ts";

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
      field("Pods Status", podsStatusText(podsOf(set, related))),
      ...templateLines(spec?.template),
    ];
  },
};
