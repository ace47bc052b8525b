/* What `podwire verify` checks: which pods it makes, and who probes whom. Pure.
 *
 * Every node gets two pods and a prober in its own network. Each pod probes each other pod, each node's prober each first pod, and each
 * first pod each node. Large payloads go once around: from each node's first pod to the next node's, and between the two on one node. */

import type { Check, Target } from "../../toolbox/probe.mts";

export interface Prober {
  readonly name: string;
  readonly node: string;
  readonly onHost: boolean;
}

/** A prober whose address is known. */
export interface PlacedProber extends Prober {
  readonly address: string;
}

export interface Probe {
  readonly from: PlacedProber;
  readonly to: PlacedProber;
  readonly checks: readonly Check[];
}

export const probePort = 19_777;
const reach: readonly Check[] = ["tcp", "udp", "icmp"];
const payloads: readonly Check[] = ["tcp-bulk", "udp-sizes"];

export function probersFor(nodes: readonly string[]): Prober[] {
  return nodes.flatMap((node) => [
    { name: `a-${node}`, node, onHost: false },
    { name: `b-${node}`, node, onHost: false },
    { name: `host-${node}`, node, onHost: true },
  ]);
}

export function probesFor(probers: readonly PlacedProber[]): Probe[] {
  const pods = probers.filter(({ onHost }) => !onHost);
  const hosts = probers.filter(({ onHost }) => onHost);
  const first = pods.filter(({ name }) => name.startsWith("a-"));
  const podToPod = pods.flatMap((from) =>
    pods
      .filter((to) => to !== from)
      .map((to): Probe => ({ from, to, checks: isLarge(from, to, first) ? [...reach, ...payloads] : reach })),
  );
  const nodeToPod = hosts.flatMap((from) => first.map((to): Probe => ({ from, to, checks: reach })));
  const podToNode = first.flatMap((from) => hosts.map((to): Probe => ({ from, to, checks: reach })));
  return [...podToPod, ...nodeToPod, ...podToNode];
}

function isLarge(from: PlacedProber, to: PlacedProber, first: readonly PlacedProber[]): boolean {
  if (from.node === to.node) return from === first[0];
  const at = first.indexOf(from);
  return at >= 0 && to === first[(at + 1) % first.length];
}

/** What one prober is told to do. */
export function targetsOf(prober: PlacedProber, probes: readonly Probe[]): Target[] {
  return probes
    .filter(({ from }) => from === prober)
    .map(({ to, checks }) => ({ name: to.name, address: to.address, port: probePort, checks }));
}

/** The manifest of a prober's pod. */
export function proberManifest({ name, node, onHost }: Prober, namespace: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace },
    spec: {
      nodeName: node,
      ...(onHost ? { hostNetwork: true } : {}),
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "prober", image: "podwire/toolbox", args: ["probe-server", "--port", String(probePort)] }],
    },
  };
}
