import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { DaemonSet } from "#proto/podwire/v1/resources.ts";
import { labelsText } from "../labels-text.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField } from "./fields.ts";
import { podsBeside, podsField } from "./own-pods.ts";
import { podTemplateLines } from "./pod-template.ts";

export const daemonSetDescriber: Describer<DaemonSet> = {
  related: podsBeside,
  events: true,
  lines: (set, { related }) => {
    const { metadata, spec, status } = set;
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      field("Selector", formatLabelSelector(spec?.selector)),
      field("Node-Selector", labelsText(spec?.template?.spec?.nodeSelector ?? {})),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("Desired Number of Nodes Scheduled", status?.desiredNumberScheduled ?? 0),
      field("Current Number of Nodes Scheduled", status?.currentNumberScheduled ?? 0),
      field("Number of Nodes Scheduled with Up-to-date Pods", status?.updatedNumberScheduled ?? 0),
      field("Number of Nodes Scheduled with Available Pods", status?.numberAvailable ?? 0),
      field("Number of Nodes Misscheduled", status?.numberMisscheduled ?? 0),
      podsField(set, related),
      ...podTemplateLines(spec?.template),
    ];
  },
};
