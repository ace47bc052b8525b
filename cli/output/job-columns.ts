import type { Job } from "#proto/podwire/v1/resources.ts";
import { formatAge } from "./age.ts";
import type { Column } from "./column.ts";
import { workloadColumns } from "./workload-columns.ts";

export const jobColumns: readonly Column<Job>[] = [
  { title: "STATUS", cell: jobStatusText },
  { title: "COMPLETIONS", cell: completionsText },
  { title: "DURATION", cell: durationText },
  ...workloadColumns,
];

export function jobStatusText({ metadata, status }: Job): string {
  const holds = (type: string) => status?.conditions.some((condition) => condition.type === type && condition.status === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (metadata?.deletionTimestamp !== undefined) return "Terminating";
  return holds("Suspended") ? "Suspended" : "Running";
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const { parallelism = 0 } = spec ?? {};
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

export function durationText({ status }: Job, nowMs: number): string {
  const { startTime, completionTime } = status ?? {};
  if (startTime === undefined) return "";
  return formatAge((completionTime === undefined ? nowMs : Date.parse(completionTime)) - Date.parse(startTime));
}
