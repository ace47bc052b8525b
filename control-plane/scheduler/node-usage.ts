/* What of a node its pods take: places, resources, and ports of the node itself. Pure. */

import { podRequests } from "#core/objects/pod-resources.ts";
import { parseQuantity, type Quantity, quantityProblem } from "#core/quantity.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";

export interface NodeUsage {
  podCount: number;
  readonly requested: Map<string, Quantity>;
  readonly hostPorts: HostPort[];
}

/** What a pod takes of its node. */
interface Demand {
  readonly requests: ReadonlyMap<string, Quantity>;
  readonly hostPorts: readonly HostPort[];
}

/** Of each stored version of a pod, found out once, as of each node: whenever anything changes, all are looked at anew. */
const demands = new WeakMap<Pod, Demand>();

export function demandOf(pod: Pod): Demand {
  const known = demands.get(pod);
  if (known !== undefined) return known;
  const demand = { requests: podRequests(pod), hostPorts: hostPortsOf(pod) };
  demands.set(pod, demand);
  return demand;
}

interface HostPort {
  readonly protocol: string;
  /** "" for all addresses. */
  readonly ip: string;
  readonly port: number;
}

/** By node, what its pods take that have not ended. */
export function usageOf(pods: Iterable<Pod>): Map<string, NodeUsage> {
  const usage = new Map<string, NodeUsage>();
  for (const pod of pods) if (occupies(pod)) addPod(usage, pod.spec?.nodeName ?? "", pod);
  return usage;
}

export function addPod(usage: Map<string, NodeUsage>, node: string, pod: Pod): void {
  const of: NodeUsage = usage.get(node) ?? { podCount: 0, requested: new Map(), hostPorts: [] };
  usage.set(node, of);
  of.podCount += 1;
  const { requests, hostPorts } = demandOf(pod);
  for (const [name, quantity] of requests) of.requested.set(name, (of.requested.get(name) ?? 0n) + quantity);
  of.hostPorts.push(...hostPorts);
}

/** Whether the pod counts for its node: it is bound there and has not ended. */
function occupies(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (pod.spec?.nodeName ?? "") !== "" && phase !== "Succeeded" && phase !== "Failed";
}

/** Whether the pod needs a port of the node that another pod has. */
export function portsCollide(pod: Pod, usage: NodeUsage | undefined): boolean {
  const taken = usage?.hostPorts ?? [];
  return demandOf(pod).hostPorts.some((wanted) =>
    taken.some(
      (other) =>
        other.port === wanted.port &&
        other.protocol === wanted.protocol &&
        (other.ip === wanted.ip || other.ip === "" || wanted.ip === ""),
    ),
  );
}

function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  const sidecars = spec?.initContainers.filter(({ restartPolicy }) => restartPolicy === "Always") ?? [];
  return [...sidecars, ...(spec?.containers ?? [])].flatMap(({ ports }) =>
    ports.flatMap(({ hostPort = 0, hostIP = "", protocol = "TCP" }) =>
      hostPort === 0 ? [] : [{ protocol, ip: hostIP === "0.0.0.0" ? "" : hostIP, port: hostPort }],
    ),
  );
}

/** Kubernetes' words for what the node has too little of. cpu, memory and places of which the node says nothing are not counted. */
export function shortages(pod: Pod, node: Node, usage: NodeUsage | undefined): readonly string[] {
  const allocatable = allocatableOf(node);
  const shortage: string[] = [];
  const places = allocatable.get("pods");
  if (places !== undefined && BigInt(usage?.podCount ?? 0) * billion >= places) shortage.push("Too many pods");
  for (const [name, wanted] of demandOf(pod).requests) {
    if (wanted === 0n) continue;
    const whole = allocatable.get(name) ?? (name.includes("/") ? 0n : undefined);
    if (whole !== undefined && (usage?.requested.get(name) ?? 0n) + wanted > whole) shortage.push(`Insufficient ${name}`);
  }
  return shortage;
}

const billion = 1_000_000_000n;
const allocatables = new WeakMap<Node, ReadonlyMap<string, Quantity>>();

/** What of it is no quantity is left out. */
export function allocatableOf(node: Node): ReadonlyMap<string, Quantity> {
  const known = allocatables.get(node);
  if (known !== undefined) return known;
  const readable = Object.entries(node.status?.allocatable ?? {}).filter(([, text]) => quantityProblem(text) === undefined);
  const allocatable = new Map(readable.map(([name, text]) => [name, parseQuantity(text)]));
  allocatables.set(node, allocatable);
  return allocatable;
}
