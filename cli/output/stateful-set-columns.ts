import type { StatefulSet } from "#proto/podwire/v1/resources.ts";
import type { Column } from "./column.ts";
import { workloadColumns } from "./workload-columns.ts";

export const statefulSetColumns: readonly Column<StatefulSet>[] = [
  { title: "READY", cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 1}` },
  // As in kubectl.
  ...workloadColumns.filter(({ title }) => title !== "SELECTOR"),
];
