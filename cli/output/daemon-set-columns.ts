import type { DaemonSet } from "#proto/podwire/v1/resources.ts";
import type { Column } from "./column.ts";
import { labelsText } from "./labels-text.ts";
import { workloadColumns } from "./workload-columns.ts";

export const daemonSetColumns: readonly Column<DaemonSet>[] = [
  { title: "DESIRED", cell: ({ status }) => String(status?.desiredNumberScheduled ?? 0) },
  { title: "CURRENT", cell: ({ status }) => String(status?.currentNumberScheduled ?? 0) },
  { title: "READY", cell: ({ status }) => String(status?.numberReady ?? 0) },
  { title: "UP-TO-DATE", cell: ({ status }) => String(status?.updatedNumberScheduled ?? 0) },
  { title: "AVAILABLE", cell: ({ status }) => String(status?.numberAvailable ?? 0) },
  { title: "NODE SELECTOR", cell: ({ spec }) => labelsText(spec?.template?.spec?.nodeSelector ?? {}) },
  ...workloadColumns,
];
