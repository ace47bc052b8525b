/* What a port-forward leads to: a pod, or the pod that a Service's selector selects, whose ports are then the Service's. */

import type { Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import { allContainers } from "#core/objects/pod-containers.ts";
import { serviceKind } from "#core/objects/service.ts";
import type { Pod, Service } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "../connect.ts";
import { getOne, listAll } from "../objects.ts";
import { parseOneTarget } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import { type PortLookup, type PortPair, parsePortPair } from "./port-pairs.ts";

export interface ForwardTarget {
  readonly pod: Pod;
  /** Of a word such as `8080:80`. */
  pairOf(word: string): PortPair;
}

export async function findForwardTarget(
  connection: Connection,
  { word, namespace }: { readonly word: string; readonly namespace: string },
  signal: AbortSignal,
): Promise<ForwardTarget> {
  const { kind, name } = parseOneTarget(word, podKind as unknown as Kind);
  const { object } = await getOne(connection, { kind, namespace, name }, signal);
  if (kind.kind === podKind.kind) {
    const pod = object as Pod;
    return { pod, pairOf: (text) => parsePortPair(text, podPorts(pod)) };
  }
  if (kind.kind !== serviceKind.kind) throw new UsageError(`${word} has no pods: want POD, pod/NAME or service/NAME`);
  const service = object as Service;
  const pod = await selectedPod(connection, service, signal);
  return { pod, pairOf: (text) => parsePortPair(text, servicePorts(service, pod)) };
}

/** The first that runs, the ready ones first. */
async function selectedPod(connection: Connection, { metadata, spec }: Service, signal: AbortSignal): Promise<Pod> {
  const { namespace = "", name } = metadata ?? {};
  const selector = Object.entries(spec?.selector ?? {});
  if (selector.length === 0) {
    throw new UsageError(`cannot attach to *v1.Service: invalid service '${name}': Service is defined without a selector`);
  }
  const labelSelector = selector.map(([key, value]) => `${key}=${value}`).join(",");
  const found = await listAll(connection, { kind: podKind as unknown as Kind, namespace, labelSelector }, signal);
  const running = found.map(({ object }) => object as Pod).filter(({ status }) => status?.phase === "Running");
  const pod = running.find(isReady) ?? running[0];
  if (pod === undefined) throw new UsageError(`no pod of service/${name} is running (selector ${labelSelector})`);
  return pod;
}

function isReady({ status }: Pod): boolean {
  return status?.conditions.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}

export function podPorts(pod: Pod): PortLookup {
  return {
    byNumber: (port) => port,
    byName: (text) => {
      const port = namedPort(pod, text);
      if (port !== undefined) return port;
      throw new UsageError(`Pod '${pod.metadata?.name}' does not have a named port '${text}'`);
    },
  };
}

function servicePorts({ metadata, spec }: Service, pod: Pod): PortLookup {
  const ports = spec?.ports ?? [];
  const target = (port: (typeof ports)[number] | undefined, text: string | number): number => {
    if (port === undefined) throw new UsageError(`Service ${metadata?.name} does not have a service port ${text}`);
    const { targetPort } = port;
    const found = typeof targetPort === "string" ? namedPort(pod, targetPort) : Number(targetPort ?? port.port);
    if (found !== undefined) return found;
    throw new UsageError(`Pod '${pod.metadata?.name}' does not have a named port '${targetPort}'`);
  };
  return {
    byNumber: (number) =>
      target(
        ports.find(({ port }) => port === number),
        number,
      ),
    byName: (text) =>
      target(
        ports.find(({ name }) => name === text),
        text,
      ),
  };
}

function namedPort(pod: Pod, text: string): number | undefined {
  return allContainers(pod)
    .flatMap(({ ports }) => ports)
    .find(({ name }) => name === text)?.containerPort;
}
