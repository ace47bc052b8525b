/* The one word that sums up a pod, as kubectl finds it: the pod's own reason, then what its containers say (the first container
 * has the last word), then its deletion. */

import type { ContainerStatus, Pod } from "#proto/podwire/v1/resources.ts";

/** `Pending`, `Running`, `CrashLoopBackOff`, `Completed`, `Error`, `Terminating`… */
export function podStatusText(pod: Pod): string {
  const { phase = "", reason } = pod.status ?? {};
  if (pod.metadata?.deletionTimestamp !== undefined) {
    if (reason === "NodeLost") return "Unknown";
    if (phase !== "Succeeded" && phase !== "Failed") return "Terminating";
  }
  const statuses = pod.status?.containerStatuses ?? [];
  const said = statuses.map(containerReason).find((word) => word !== undefined);
  const text = said ?? (reason || gateReason(pod) || phase);
  // One container has ended well and another runs on: the pod isn't completed.
  if (text === "Completed" && statuses.some((status) => status.ready === true && status.state?.running !== undefined)) {
    return hasCondition(pod, "Ready") ? "Running" : "NotReady";
  }
  return text;
}

/** How often its containers were started again, and when the last one before ended. */
export function podRestarts(pod: Pod): { readonly count: number; readonly lastAt: string | undefined } {
  const statuses = pod.status?.containerStatuses ?? [];
  const ends = statuses.flatMap((status) => status.lastState?.terminated?.finishedAt ?? []);
  return {
    count: statuses.reduce((sum, status) => sum + (status.restartCount ?? 0), 0),
    lastAt: ends.sort((a, b) => Date.parse(a) - Date.parse(b)).at(-1),
  };
}

function containerReason({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason;
  const ended = state?.terminated;
  if (ended === undefined) return undefined;
  return ended.reason || (ended.signal ? `Signal:${ended.signal}` : `ExitCode:${ended.exitCode ?? 0}`);
}

function gateReason(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions.find((condition) => condition.type === "PodScheduled");
  return scheduled?.reason === "SchedulingGated" ? scheduled.reason : undefined;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions.some((condition) => condition.type === type && condition.status === "True") ?? false;
}
