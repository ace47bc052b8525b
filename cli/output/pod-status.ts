/* What sums up a pod, as kubectl finds it: the pod's own reason, then what its containers say (init containers first; of the others the
 * first has the last word), then its deletion. */

import type { ContainerStatus, Pod } from "#proto/podwire/v1/resources.ts";

export interface PodSummary {
  /** `Pending`, `Running`, `Init:0/2`, `CrashLoopBackOff`, `Completed`, `Terminating`… */
  readonly text: string;
  /** Of its containers and sidecars. */
  readonly ready: number;
  readonly total: number;
  /** How often containers were started again, and when the last run before one ended. */
  readonly restarts: number;
  readonly restartedAt: string | undefined;
}

export function podSummary(pod: Pod): PodSummary {
  const { initContainerStatuses: inits = [], containerStatuses: mains = [], phase = "", reason } = pod.status ?? {};
  const sidecars = inits.filter((status) => isSidecar(pod, status));
  const initText = initializationText(pod, inits);
  const initialized = initText === undefined || hasCondition(pod, "Initialized");
  const started = sidecars.filter((status) => status.started === true && status.ready === true);
  const running = initialized ? mains.filter((status) => status.ready === true && status.state?.running !== undefined) : [];
  const before = initText ?? (reason || gateReason(pod) || phase);
  const text = initialized ? mainText(pod, mains, before) : before;
  // Of what is past nobody asks any more.
  const counted = initialized ? [...sidecars, ...mains] : inits;
  return {
    text: deletionText(pod) ?? text,
    ready: started.length + running.length,
    total:
      (pod.spec?.containers.length ?? 0) +
      (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always").length,
    restarts: counted.reduce((sum, status) => sum + (status.restartCount ?? 0), 0),
    restartedAt: counted
      .flatMap((status) => status.lastState?.terminated?.finishedAt ?? [])
      .sort((a, b) => Date.parse(a) - Date.parse(b))
      .at(-1),
  };
}

export function podStatusText(pod: Pod): string {
  return podSummary(pod).text;
}

/** How far the pod has come before its containers; undefined where it is past that. */
function initializationText(pod: Pod, statuses: readonly ContainerStatus[]): string | undefined {
  for (const [i, status] of statuses.entries()) {
    const { waiting, terminated } = status.state ?? {};
    if (terminated?.exitCode === 0) continue;
    if (isSidecar(pod, status) && status.started === true) continue;
    if (terminated !== undefined) return `Init:${endText(terminated)}`;
    if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${i}/${pod.spec?.initContainers.length ?? 0}`;
  }
  return undefined;
}

function mainText(pod: Pod, statuses: readonly ContainerStatus[], before: string): string {
  const text = statuses.map(containerReason).find((word) => word !== undefined) ?? before;
  // One container has ended well and another runs on: the pod isn't completed.
  if (text === "Completed" && statuses.some((status) => status.ready === true && status.state?.running !== undefined)) {
    return hasCondition(pod, "Ready") ? "Running" : "NotReady";
  }
  return text;
}

function deletionText(pod: Pod): string | undefined {
  if (pod.metadata?.deletionTimestamp === undefined) return undefined;
  const { phase, reason } = pod.status ?? {};
  if (reason === "NodeLost") return "Unknown";
  return phase === "Succeeded" || phase === "Failed" ? undefined : "Terminating";
}

function containerReason({ state }: ContainerStatus): string | undefined {
  if (state?.waiting?.reason) return state.waiting.reason;
  return state?.terminated === undefined ? undefined : endText(state.terminated);
}

function endText({ reason, signal, exitCode }: NonNullable<NonNullable<ContainerStatus["state"]>["terminated"]>): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`);
}

function isSidecar(pod: Pod, { name }: ContainerStatus): boolean {
  return pod.spec?.initContainers.some((container) => container.name === name && container.restartPolicy === "Always") ?? false;
}

function gateReason(pod: Pod): string | undefined {
  const scheduled = pod.status?.conditions.find((condition) => condition.type === "PodScheduled");
  return scheduled?.reason === "SchedulingGated" ? scheduled.reason : undefined;
}

function hasCondition(pod: Pod, type: string): boolean {
  return pod.status?.conditions.some((condition) => condition.type === type && condition.status === "True") ?? false;
}
