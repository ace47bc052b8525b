import type { StatefulSet } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";
import { templateColumns } from "./template-columns.ts";

export const statefulSetColumns: readonly Column<StatefulSet>[] = [
  { title: "READY", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}` },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
  ...templateColumns,
];
