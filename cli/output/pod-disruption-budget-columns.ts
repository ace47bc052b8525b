import type { PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

export const podDisruptionBudgetColumns: readonly Column<PodDisruptionBudget>[] = [
  { title: "MIN AVAILABLE", cell: ({ spec }) => String(spec?.minAvailable ?? "N/A") },
  { title: "MAX UNAVAILABLE", cell: ({ spec }) => String(spec?.maxUnavailable ?? "N/A") },
  { title: "ALLOWED DISRUPTIONS", cell: ({ status }) => String(status?.disruptionsAllowed ?? 0) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];
