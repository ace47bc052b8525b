/* A pod's status from what is known of its containers, as a kubelet reports it. Pure. */

import { formatTimestamp } from "#core/clock.ts";
import { unreachable } from "#core/errors.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { qosClassOf } from "#core/objects/pod-resources.ts";
import type { Condition, ContainerState, ContainerStatus, Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import type { ContainerRole } from "./container-role.ts";

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
  /** `started` and `ready` as its probes say. */
  | { readonly phase: "running"; readonly startedAtMs: number; readonly started: boolean; readonly ready: boolean }
  | ({ readonly phase: "ended"; readonly final: boolean } & Ended);

export interface ObservedContainer {
  readonly name: string;
  readonly role: ContainerRole;
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
  const nodeIp = formatIpv4(nodeAddress);
  const podIp = address === undefined ? undefined : formatIpv4(address);
  const ready = readyOf(phase, containers);
  const statuses = (wanted: readonly ContainerRole[]) =>
    containers.filter(({ role }) => wanted.includes(role)).map((container) => containerStatusOf(pod, container));
  return {
    phase,
    conditions: [
      condition("PodReadyToStartContainers", { status: podIp !== undefined && !done ? "True" : "False" }),
      condition("Initialized", initializedOf(phase, containers)),
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
    containerStatuses: statuses(["main"]),
    qosClass: qosClassOf(pod),
    initContainerStatuses: statuses(["init", "sidecar"]),
  };
}

/** A pod has ended when its sidecars have, too; they have no say in how. */
function phaseOf(containers: readonly ObservedContainer[]): string {
  const mains = containers.filter(({ role }) => role === "main");
  const over = ({ now }: ObservedContainer) => now.phase === "ended" && now.final;
  const sidecarsLeft = containers.some((one) => one.role === "sidecar" && !over(one) && hasBegun(one));
  const initFailed = containers.some((one) => one.role === "init" && over(one) && !succeeded(one));
  if (!sidecarsLeft && (initFailed || mains.every(over))) return !initFailed && mains.every(succeeded) ? "Succeeded" : "Failed";
  return mains.every(hasBegun) ? "Running" : "Pending";
}

function initializedOf(phase: string, containers: readonly ObservedContainer[]): Partial<Condition> {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  // A sidecar that is started again doesn't take its pod back to its beginning.
  const past = containers.some((one) => one.role === "main" && hasBegun(one));
  const incomplete = past ? [] : containers.filter((one) => !isInitialized(one)).map(({ name }) => name);
  if (incomplete.length === 0) return { status: "True" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const message = `containers with incomplete status: [${incomplete.join(" ")}]`;
  return { status: "False", reason: "ContainersNotInitialized", message };
}

function isInitialized(one: ObservedContainer): boolean {
  if (one.role === "sidecar") return one.now.phase === "running" && one.now.started;
  return one.role === "main" || succeeded(one);
}

function hasBegun({ now, last }: ObservedContainer): boolean {
  return now.phase !== "waiting" || last !== undefined;
}

function readyOf(phase: string, containers: readonly ObservedContainer[]): Partial<Condition> {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = containers.filter((one) => one.role !== "init" && !isReady(one)).map(({ name }) => name);
  if (unready.length === 0) return { status: "True" };
  return { status: "False", reason: "ContainersNotReady", message: `containers with unready status: [${unready.join(" ")}]` };
}

function succeeded({ now }: ObservedContainer): boolean {
  return now.phase === "ended" && now.final && now.exitCode === 0;
}

/** An init container is ready once it succeeded. */
function isReady(one: ObservedContainer): boolean {
  return one.role === "init" ? succeeded(one) : one.now.phase === "running" && one.now.ready;
}

function containerStatusOf(pod: Pod, one: ObservedContainer): ContainerStatus {
  const { name, now, restarts, last } = one;
  const specs = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    name,
    state: stateOf(now),
    lastState: last === undefined ? {} : { terminated: terminated(last) },
    ready: isReady(one),
    started: now.phase === "running" && (one.role === "init" || now.started),
    restartCount: restarts,
    image: specs.find((container) => container.name === name)?.image,
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
    signal: startedAtMs === undefined ? undefined : signalOf(exitCode),
    reason,
    message,
    startedAt: startedAtMs === undefined ? undefined : formatTimestamp(startedAtMs),
    finishedAt: formatTimestamp(finishedAtMs),
  };
}

const signalMax = 64;

/** Which signal ended it, as exit codes tell. */
function signalOf(exitCode: number): number | undefined {
  return exitCode > 128 && exitCode <= 128 + signalMax ? exitCode - 128 : undefined;
}

/** The control plane keeps `lastTransitionTime` where nothing changed. */
function condition(type: string, rest: Partial<Condition>): Condition {
  return { type, status: rest.status, reason: rest.reason, message: rest.message };
}
