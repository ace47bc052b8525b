/* A pod's status from what is known of its containers, as a kubelet reports it. Pure. */

import { formatTimestamp } from "#core/clock.ts";
import { unreachable } from "#core/errors.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from "#proto/podwire/v1/resources.ts";

export interface Ended {
  readonly exitCode: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAtMs: number | undefined;
  readonly finishedAtMs: number;
}

/**
 *   waiting ─ started ─▶ running ─ exited ─▶ ended ─ restart is due ─▶ running
 *      ▲                                       └─ in back-off: waiting (CrashLoopBackOff) ─▶ running
 */
export type Phase =
  | { readonly phase: "waiting"; readonly reason: string; readonly message?: string }
  | { readonly phase: "running"; readonly startedAtMs: number }
  | ({ readonly phase: "ended"; readonly final: boolean } & Ended);

export interface ObservedContainer {
  readonly name: string;
  readonly now: Phase;
  readonly restarts: number;
  /** How its run before this one ended. */
  readonly last: Ended | undefined;
}

export interface ObservedPod {
  readonly pod: Pod;
  readonly nodeAddress: Ipv4;
  /** Absent until the pod has a network. */
  readonly address: Ipv4 | undefined;
  readonly startedAtMs: number;
  readonly containers: readonly ObservedContainer[];
  /** What keeps the pod from running at all. */
  readonly problem?: { readonly reason: string; readonly message: string };
}

export function podStatusOf(observed: ObservedPod): PodStatus {
  const { pod, nodeAddress, address, startedAtMs, containers, problem } = observed;
  const phase = phaseOf(containers);
  const done = phase === "Succeeded" || phase === "Failed";
  const unready = containers.filter(({ now }) => now.phase !== "running").map(({ name }) => name);
  const ready: Partial<Condition> = done
    ? { status: "False", reason: phase === "Succeeded" ? "PodCompleted" : "PodFailed" }
    : unready.length === 0
      ? { status: "True" }
      : { status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
  const nodeIp = formatIpv4(nodeAddress);
  const podIp = address === undefined ? undefined : formatIpv4(address);
  return {
    phase,
    conditions: [
      condition("PodReadyToStartContainers", { status: podIp !== undefined && !done ? "True" : "False" }),
      condition("Initialized", { status: "True" }),
      condition("Ready", ready),
      condition("ContainersReady", ready),
      condition("PodScheduled", { status: "True" }),
    ],
    reason: problem?.reason,
    message: problem?.message,
    hostIP: nodeIp,
    hostIPs: [{ ip: nodeIp }],
    podIP: podIp,
    podIPs: podIp === undefined ? [] : [{ ip: podIp }],
    startTime: formatTimestamp(startedAtMs),
    containerStatuses: containers.map((container) => containerStatusOf(pod, container)),
    qosClass: "BestEffort",
    initContainerStatuses: [],
  };
}

function phaseOf(containers: readonly ObservedContainer[]): string {
  if (containers.every(({ now }) => now.phase === "ended" && now.final)) {
    return containers.every(({ now }) => now.phase === "ended" && now.exitCode === 0) ? "Succeeded" : "Failed";
  }
  const begun = containers.every(({ now, last }) => now.phase !== "waiting" || last !== undefined);
  return begun ? "Running" : "Pending";
}

function containerStatusOf(pod: Pod, { name, now, restarts, last }: ObservedContainer): ContainerStatus {
  const image = pod.spec?.containers.find((container) => container.name === name)?.image;
  return {
    name,
    state: stateOf(now),
    lastState: last === undefined ? {} : { terminated: terminated(last) },
    ready: now.phase === "running",
    started: now.phase === "running",
    restartCount: restarts,
    image,
    imageID: "",
    containerID: now.phase === "waiting" && last === undefined ? undefined : `podwire://${pod.metadata?.uid}/${name}/${restarts}`,
  };
}

function stateOf(now: Phase): ContainerState {
  switch (now.phase) {
    case "waiting":
      return { waiting: { reason: now.reason, message: now.message } };
    case "running":
      return { running: { startedAt: formatTimestamp(now.startedAtMs) } };
    case "ended":
      return { terminated: terminated(now) };
    default:
      return unreachable(now);
  }
}

function terminated({ exitCode, reason, message, startedAtMs, finishedAtMs }: Ended): ContainerState["terminated"] {
  return {
    exitCode,
    reason,
    message,
    startedAt: startedAtMs === undefined ? undefined : formatTimestamp(startedAtMs),
    finishedAt: formatTimestamp(finishedAtMs),
  };
}

/** The control plane keeps `lastTransitionTime` where nothing changed. */
function condition(type: string, rest: Partial<Condition>): Condition {
  return { type, status: rest.status, reason: rest.reason, message: rest.message };
}
