import type { HorizontalPodAutoscaler, NodeGroup, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";
import { targetsText } from "./metric-targets.ts";

export const horizontalPodAutoscalerColumns: readonly Column<HorizontalPodAutoscaler>[] = [
  { title: "REFERENCE", cell: ({ spec }) => `${spec?.scaleTargetRef?.kind}/${spec?.scaleTargetRef?.name}` },
  { title: "TARGETS", cell: targetsText },
  { title: "MINPODS", cell: ({ spec }) => String(spec?.minReplicas ?? "<unset>") },
  { title: "MAXPODS", cell: ({ spec }) => String(spec?.maxReplicas ?? 0) },
  { title: "REPLICAS", cell: ({ status }) => String(status?.currentReplicas ?? 0) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];

export const verticalPodAutoscalerColumns: readonly Column<VerticalPodAutoscaler>[] = [
  { title: "MODE", cell: ({ spec }) => spec?.updatePolicy?.updateMode ?? "" },
  { title: "CPU", cell: ({ status }) => status?.recommendation?.containerRecommendations[0]?.target.cpu ?? "" },
  { title: "MEM", cell: ({ status }) => status?.recommendation?.containerRecommendations[0]?.target.memory ?? "" },
  {
    title: "PROVIDED",
    cell: ({ status }) => status?.conditions.find(({ type }) => type === "RecommendationProvided")?.status ?? "",
  },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];

export const nodeGroupColumns: readonly Column<NodeGroup>[] = [
  { title: "MIN", cell: ({ spec }) => String(spec?.minSize ?? 0) },
  { title: "MAX", cell: ({ spec }) => String(spec?.maxSize ?? 0) },
  { title: "SIZE", cell: ({ status }) => String(status?.size ?? 0) },
  { title: "TARGET", cell: ({ status }) => String(status?.targetSize ?? 0) },
  { title: "PROVIDER", cell: ({ spec }) => spec?.provider ?? "<none>" },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];
