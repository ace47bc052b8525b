/* Where an exec or log stream goes, or why it can't, in the words of kubectl and the kubelet. */

import { AppError, invalid } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import type { ContainerState, Pod } from "#proto/podwire/v1/resources.ts";
import type { Session, SessionTable } from "../sessions/table.ts";
import { findObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { notFound } from "./refusals.ts";

export interface TargetRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface Target {
  readonly session: Session;
  readonly namespace: string;
  readonly container: string;
}

export interface TargetContext {
  readonly store: Store;
  readonly sessions: SessionTable;
}

/** For a program that is to run in the container. */
export function execTarget(request: TargetRequest, context: TargetContext): Target {
  const { pod, container, node } = findContainer(request, context.store);
  const phase = pod.status?.phase;
  if (phase === "Succeeded" || phase === "Failed") {
    throw notNow(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  const session = sessionOf(node, context.sessions);
  if (stateOf(pod, container)?.running === undefined) {
    throw notNow(`container "${container}" of pod "${request.pod}" is not running${whyNot(pod, container)}`);
  }
  return { session, namespace: pod.metadata?.namespace ?? "", container };
}

/** For what the container has said. */
export function logsTarget(request: TargetRequest, context: TargetContext): Target {
  const { pod, container, node } = findContainer(request, context.store);
  const session = sessionOf(node, context.sessions);
  const state = stateOf(pod, container);
  const restarted = pod.status?.containerStatuses.some(({ name, restartCount }) => name === container && (restartCount ?? 0) > 0);
  if (state?.running === undefined && state?.terminated === undefined && !restarted) {
    const reason = state?.waiting?.reason ?? "ContainerCreating";
    throw notNow(`container "${container}" in pod "${request.pod}" is waiting to start: ${reason}`);
  }
  return { session, namespace: pod.metadata?.namespace ?? "", container };
}

function findContainer(request: TargetRequest, store: Store) {
  const found = findObject(store, podKind, { namespace: request.namespace || "default", name: request.pod });
  if (found === undefined) throw notFound(podKind, request.pod);
  const pod = found.object;
  const names = pod.spec?.containers.map(({ name }) => name ?? "") ?? [];
  const container = request.container || (names[0] ?? "");
  if (!names.includes(container)) {
    throw invalid(`container ${container} is not valid for pod ${request.pod}: it has ${names.join(", ")}`, {
      field: "container",
    });
  }
  const node = pod.spec?.nodeName ?? "";
  if (node === "") throw notNow(`pod ${request.pod} does not have a host assigned`);
  return { pod, container, node };
}

function sessionOf(node: string, sessions: SessionTable): Session {
  const session = sessions.find(node);
  if (session === undefined || !sessions.isLive(node)) {
    throw new AppError("unavailable", `node "${node}" is not ready: its agent has no session`);
  }
  return session;
}

function stateOf(pod: Pod, container: string): ContainerState | undefined {
  return pod.status?.containerStatuses.find(({ name }) => name === container)?.state;
}

function whyNot(pod: Pod, container: string): string {
  const reason = stateOf(pod, container)?.waiting?.reason ?? stateOf(pod, container)?.terminated?.reason;
  return reason === undefined ? "" : `: ${reason}`;
}

function notNow(message: string): AppError {
  return new AppError("failed-precondition", message, { reason: "BadRequest" });
}
