import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { Deployment, LabelSelector, ObjectMeta, PodTemplateSpec, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

/** What every kind with a template of pods has. */
interface Workload {
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: { readonly selector?: LabelSelector | undefined; readonly template?: PodTemplateSpec | undefined } | undefined;
}

/** The age, and for `-o wide` what is in its pods. */
export const workloadColumns: readonly Column<Workload>[] = [
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
  { title: "CONTAINERS", wide: true, cell: (workload) => containersOf(workload, "name") },
  { title: "IMAGES", wide: true, cell: (workload) => containersOf(workload, "image") },
  { title: "SELECTOR", wide: true, cell: ({ spec }) => formatLabelSelector(spec?.selector) },
];

export const deploymentColumns: readonly Column<Deployment>[] = [
  { title: "READY", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}` },
  { title: "UP-TO-DATE", cell: ({ status }) => String(status?.updatedReplicas ?? 0) },
  { title: "AVAILABLE", cell: ({ status }) => String(status?.availableReplicas ?? 0) },
  ...workloadColumns,
];

export const replicaSetColumns: readonly Column<ReplicaSet>[] = [
  { title: "DESIRED", cell: ({ spec }) => String(spec?.replicas ?? 1) },
  { title: "CURRENT", cell: ({ status }) => String(status?.replicas ?? 0) },
  { title: "READY", cell: ({ status }) => String(status?.readyReplicas ?? 0) },
  ...workloadColumns,
];

function containersOf({ spec }: Workload, field: "name" | "image"): string {
  return (spec?.template?.spec?.containers ?? []).map((container) => container[field] ?? "").join(",");
}
