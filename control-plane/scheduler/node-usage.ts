/* What of a node its pods take: places, resources, and ports of the node itself. Pure. */

import { podRequests } from "#core/objects/pod-resources.ts";
import { parseQuantity, type Quantity, quantityProblem } from "#core/quantity.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";

export interface NodeUsage {
  podCount: number;
  readonly requested: Map<string, Quantity>;
  readonly hostPorts: HostPort[];
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
  for (const [name, quantity] of podRequests(pod)) of.requested.set(name, (of.requested.get(name) ?? 0n) + quantity);
  of.hostPorts.push(...hostPortsOf(pod));
}

/** Whether the pod counts for its node: it is bound there and has not ended. */
function occupies(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (pod.spec?.nodeName ?? "") !== "" && phase !== "Succeeded" && phase !== "Failed";
}

/** Whether the pod needs a port of the node that another pod has. */
export function portsCollide(pod: Pod, usage: NodeUsage | undefined): boolean {
  const taken = usage?.hostPorts ?? [];
  return hostPortsOf(pod).some((wanted) =>
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
  const allocatable = node.status?.allocatable ?? {};
  const shortage: string[] = [];
  const places = quantityIn(allocatable, "pods");
  if (places !== undefined && BigInt(usage?.podCount ?? 0) * billion >= places) shortage.push("Too many pods");
  for (const [name, wanted] of podRequests(pod)) {
    if (wanted === 0n) continue;
    const whole = quantityIn(allocatable, name) ?? (name.includes("/") ? 0n : undefined);
    if (whole !== undefined && (usage?.requested.get(name) ?? 0n) + wanted > whole) shortage.push(`Insufficient ${name}`);
  }
  return shortage;
}

const billion = 1_000_000_000n;

function quantityIn(quantities: Readonly<Record<string, string>>, name: string): Quantity | undefined {
  const text = Object.hasOwn(quantities, name) ? quantities[name] : undefined;
  return text === undefined || quantityProblem(text) !== undefined ? undefined : parseQuantity(text);
}
