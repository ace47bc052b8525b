import type { Pod } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";
import { podStatusText, podSummary } from "./pod-status.ts";

export const podColumns: readonly Column<Pod>[] = [
  { title: "READY", cell: readyText },
  { title: "STATUS", cell: podStatusText },
  { title: "RESTARTS", cell: restartsText },
  { title: "AGE", cell: (pod, nowMs) => ageOf(pod.metadata?.creationTimestamp, nowMs) },
  { title: "IP", wide: true, cell: (pod) => pod.status?.podIPs[0]?.ip || pod.status?.podIP || "<none>" },
  { title: "NODE", wide: true, cell: (pod) => pod.spec?.nodeName || "<none>" },
  { title: "NOMINATED NODE", wide: true, cell: () => "<none>" },
  { title: "READINESS GATES", wide: true, cell: readinessGatesText },
];

function readyText(pod: Pod): string {
  const { ready, total } = podSummary(pod);
  return `${ready}/${total}`;
}

function restartsText(pod: Pod, nowMs: number): string {
  const { restarts, restartedAt } = podSummary(pod);
  return restarts === 0 || restartedAt === undefined ? String(restarts) : `${restarts} (${ageOf(restartedAt, nowMs)} ago)`;
}

function readinessGatesText(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  const met = gates.filter((gate) =>
    pod.status?.conditions.some((condition) => condition.type === gate?.conditionType && condition.status === "True"),
  );
  return `${met.length}/${gates.length}`;
}
