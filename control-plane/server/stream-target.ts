/* Where an exec, attach, log or port-forward stream goes, or why it can't, in the words of kubectl and the kubelet. */

import { AppError, invalid } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import { allContainers, defaultContainer } from "#core/objects/pod-containers.ts";
import type { ContainerState, ContainerStatus, Pod } from "#proto/podwire/v1/resources.ts";
import type { Session, SessionTable } from "../sessions/table.ts";
import { findObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { notFound } from "./refusals.ts";

export interface PodRequest {
  readonly namespace: string;
  readonly pod: string;
}

export interface ContainerRequest extends PodRequest {
  /** The pod's default where it is empty. */
  readonly container: string;
}

export interface LogRequest extends ContainerRequest {
  readonly previous: boolean;
}

export interface PodTarget {
  readonly session: Session;
  readonly namespace: string;
}

export interface ContainerTarget extends PodTarget {
  readonly container: string;
}

export interface TargetContext {
  readonly store: Store;
  readonly sessions: SessionTable;
  /** Of the user's call. */
  readonly signal: AbortSignal;
}

/** For a program that is to run in the container. */
export function execTarget(request: ContainerRequest, context: TargetContext): Promise<ContainerTarget> {
  return runningContainer(request, context, "exec into");
}

/** For the streams of the container's own program. */
export function attachTarget(request: ContainerRequest, context: TargetContext): Promise<ContainerTarget> {
  return runningContainer(request, context, "attach");
}

/** For what the container has said. */
export async function logsTarget(request: LogRequest, context: TargetContext): Promise<ContainerTarget> {
  const { pod, container, node } = findContainer(request, context.store);
  const session = await sessionOf(node, context);
  const status = statusOf(pod, container);
  const state = status?.state;
  if (request.previous && status?.lastState?.terminated === undefined && (status?.restartCount ?? 0) === 0) {
    throw notNow(`previous terminated container "${container}" in pod "${request.pod}" not found`);
  }
  if (state?.running === undefined && state?.terminated === undefined && (status?.restartCount ?? 0) === 0) {
    const initial = (pod.spec?.initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating";
    const reason = state?.waiting?.reason ?? initial;
    throw notNow(`container "${container}" in pod "${request.pod}" is waiting to start: ${reason}`);
  }
  return { session, namespace: pod.metadata?.namespace ?? "", container };
}

/** For a connection to one of the pod's ports. */
export async function forwardTarget(request: PodRequest, context: TargetContext): Promise<PodTarget> {
  const { pod, node } = findPod(request, context.store);
  const phase = pod.status?.phase ?? "Pending";
  if (phase !== "Running") throw notNow(`unable to forward port because pod is not running. Current status=${phase}`);
  return { session: await sessionOf(node, context), namespace: pod.metadata?.namespace ?? "" };
}

async function runningContainer(request: ContainerRequest, context: TargetContext, what: string): Promise<ContainerTarget> {
  const { pod, container, node } = findContainer(request, context.store);
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") {
    throw notNow(`cannot ${what} a container in a completed pod; current phase is ${phase}`);
  }
  const session = await sessionOf(node, context);
  const state = statusOf(pod, container)?.state;
  if (state?.running === undefined) {
    throw notNow(`container "${container}" of pod "${request.pod}" is not running${whyNot(state)}`);
  }
  return { session, namespace: pod.metadata?.namespace ?? "", container };
}

function findPod({ namespace, pod: name }: PodRequest, store: Store) {
  const found = findObject(store, podKind, { namespace: namespace || "default", name });
  if (found === undefined) throw notFound(podKind, name);
  const pod = found.object;
  const node = pod.spec?.nodeName ?? "";
  if (node === "") throw notNow(`pod ${name} does not have a host assigned`);
  return { pod, node };
}

function findContainer(request: ContainerRequest, store: Store) {
  const { pod, node } = findPod(request, store);
  const names = allContainers(pod).map(({ name }) => name ?? "");
  const container = request.container || defaultContainer(pod).name;
  if (!names.includes(container)) {
    throw invalid(`container ${container} is not valid for pod ${request.pod}: it has ${names.join(", ")}`, {
      field: "container",
    });
  }
  return { pod, container, node };
}

async function sessionOf(node: string, { sessions, signal }: TargetContext): Promise<Session> {
  const session = await sessions.awaitLive(node, signal);
  if (session === undefined) {
    throw new AppError("unavailable", `node "${node}" is not ready: its agent has no session`);
  }
  return session;
}

function statusOf({ status }: Pod, container: string): ContainerStatus | undefined {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(({ name }) => name === container);
}

function whyNot(state: ContainerState | undefined): string {
  const reason = state?.waiting?.reason ?? state?.terminated?.reason;
  return reason === undefined ? "" : `: ${reason}`;
}

function notNow(message: string): AppError {
  return new AppError("failed-precondition", message, { reason: "BadRequest" });
}
