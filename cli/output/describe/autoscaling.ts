import type {
  ContainerRecommendation,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  NodeGroup,
  VerticalPodAutoscaler,
} from "#proto/podwire/v1/resources.ts";
import { metricTexts } from "../metric-targets.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, conditionsLines, field, indented, labelsField, timeText } from "./fields.ts";

export const horizontalPodAutoscalerDescriber: Describer<HorizontalPodAutoscaler> = {
  events: true,
  lines: (autoscaler) => {
    const { metadata, spec, status } = autoscaler;
    const { kind, name } = spec?.scaleTargetRef ?? {};
    const { currentReplicas = 0, desiredReplicas = 0, conditions = [] } = status ?? {};
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("CreationTimestamp", timeText(metadata?.creationTimestamp)),
      field("Reference", `${kind}/${name}`),
      "Metrics:\t( current / target )",
      ...indented(
        metricTexts(autoscaler).map(({ title, currentInFull, target }) => field(title, `${currentInFull} / ${target}`)),
      ),
      field("Min replicas", spec?.minReplicas ?? "<unset>"),
      field("Max replicas", spec?.maxReplicas ?? 0),
      ...(spec?.behavior === undefined
        ? []
        : ["Behavior:", ...rulesLines("Scale Up", spec.behavior.scaleUp), ...rulesLines("Scale Down", spec.behavior.scaleDown)]),
      field(`${kind} pods`, `${currentReplicas} current / ${desiredReplicas} desired`),
      ...conditionsLines(conditions),
    ];
  },
};

function rulesLines(title: string, rules: HPAScalingRules | undefined): string[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds, selectPolicy = "Max", policies } = rules;
  return indented([
    `${title}:`,
    ...indented([
      ...(stabilizationWindowSeconds === undefined
        ? []
        : [field("Stabilization Window", `${stabilizationWindowSeconds} seconds`)]),
      field("Select Policy", selectPolicy),
      "Policies:",
      ...policies.map(({ type, value, periodSeconds }) => `  - Type: ${type}\tValue: ${value}\tPeriod: ${periodSeconds} seconds`),
    ]),
  ]);
}

export const verticalPodAutoscalerDescriber: Describer<VerticalPodAutoscaler> = {
  events: true,
  lines: ({ metadata, spec, status }) => [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    field("Target", `${spec?.targetRef?.kind}/${spec?.targetRef?.name}`),
    field("Update Mode", spec?.updatePolicy?.updateMode),
    "Recommendation:",
    ...(status?.recommendation?.containerRecommendations ?? []).flatMap((one) => indented(recommendationLines(one))),
    ...conditionsLines(status?.conditions ?? []),
  ],
};

function recommendationLines({
  containerName,
  target,
  lowerBound,
  upperBound,
  uncappedTarget,
}: ContainerRecommendation): string[] {
  const rows = { Target: target, "Lower Bound": lowerBound, "Upper Bound": upperBound, "Uncapped Target": uncappedTarget };
  return [
    field("Container", containerName),
    ...Object.entries(rows).map(([title, { cpu = "", memory = "" }]) => `  ${title}:\tcpu ${cpu}, memory ${memory}`),
  ];
}

export const nodeGroupDescriber: Describer<NodeGroup> = {
  events: true,
  lines: ({ metadata, spec, status }) => [
    field("Name", metadata?.name),
    field("Min size", spec?.minSize ?? 0),
    field("Max size", spec?.maxSize ?? 0),
    field("Provider", spec?.provider ?? "<none>"),
    field("Nodes", `${status?.size ?? 0} current / ${status?.targetSize ?? 0} wanted`),
    ...(status?.lastScaleUpTime === undefined ? [] : [field("Last scale up", timeText(status.lastScaleUpTime))]),
    ...(status?.lastScaleDownTime === undefined ? [] : [field("Last scale down", timeText(status.lastScaleDownTime))]),
    ...conditionsLines(status?.conditions ?? []),
  ],
};
