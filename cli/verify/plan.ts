/* What `podwire verify` checks: which pods it makes, and who probes whom. Pure.
 *
 * Every node gets two pods and a prober in its own network. Each pod probes each other pod, each node's prober each first pod, and each
 * first pod each node. Large payloads go once around: from each node's first pod to the next node's, and between the two on one node.
 * Each first pod has a second container, which looks at the first over localhost. At last each second pod is made anew. */

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

/** A node, and the address that its hostNetwork pods should have. */
export interface PlacedNode {
  readonly name: string;
  readonly address: string;
}

export const probePort = 19_777;
export const proberContainer = "prober";
export const neighbourContainer = "neighbour";
const reach: readonly Check[] = ["tcp", "udp", "icmp"];
const payloads: readonly Check[] = ["tcp-bulk", "udp-sizes"];

export function probersFor(nodes: readonly string[]): Prober[] {
  return nodes.flatMap((node) => [
    { name: `a-${node}`, node, onHost: false },
    { name: `b-${node}`, node, onHost: false },
    { name: `host-${node}`, node, onHost: true },
  ]);
}

/** `quick`: each node looks at the next one only, and at itself, so that there are no more checks than a few for each node. */
export function probesFor(probers: readonly PlacedProber[], { quick = false } = {}): Probe[] {
  const pods = probers.filter(({ onHost }) => !onHost);
  const hosts = probers.filter(({ onHost }) => onHost);
  const first = pods.filter(isFirst);
  const all = everyProbe(pods, hosts, first);
  if (!quick) return all;
  const nodes = hosts.map(({ node }) => node);
  const near = all.filter(({ from, to }) => !isSecond(from) && isNext(nodes, from.node, to.node));
  return near.map((probe) => ({ ...probe, checks: reach }));
}

function isNext(nodes: readonly string[], from: string, to: string): boolean {
  return from === to || nodes[(nodes.indexOf(from) + 1) % nodes.length] === to;
}

function everyProbe(pods: readonly PlacedProber[], hosts: readonly PlacedProber[], first: readonly PlacedProber[]): Probe[] {
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

/** By which Services find the probers: all second pods have one value, each first pod its own. */
export const roleLabel = "podwire.dev/verify";
export const secondRole = "second";

function roleOf(prober: Prober): string {
  return isSecond(prober) ? secondRole : prober.name;
}

export function isFirst({ name }: Pick<Prober, "name">): boolean {
  return name.startsWith("a-");
}

export function isSecond({ name }: Pick<Prober, "name">): boolean {
  return name.startsWith("b-");
}

/** What one prober is told to do. */
export function targetsOf(prober: PlacedProber, probes: readonly Probe[]): Target[] {
  return probes
    .filter(({ from }) => from === prober)
    .map(({ to, checks }) => ({ name: to.name, address: to.address, port: probePort, checks }));
}

/** Those with a second container. */
export function withNeighbour<P extends Prober>(probers: readonly P[]): P[] {
  return probers.filter(isFirst);
}

/** Those that are made anew at the end. */
export function toRecreate<P extends Prober>(probers: readonly P[]): P[] {
  return probers.filter(isSecond);
}

/** What the second container looks at. */
export const neighbourTargets: readonly Target[] = [
  { name: "localhost", address: "127.0.0.1", port: probePort, checks: ["tcp", "udp", "port-taken"] },
];

/** What another pod looks at when a pod was made anew. */
export function recreationTargets(before: string, after: string): Target[] {
  return [
    { name: "after", address: after, port: probePort, checks: ["tcp"] },
    { name: "before", address: before, port: probePort, checks: ["nobody"] },
  ];
}

/** The manifest of a prober's pod. */
export function proberManifest(prober: Prober, namespace: string): object {
  const { name, node, onHost } = prober;
  const image = "podwire/toolbox";
  const neighbour = { name: neighbourContainer, image, args: ["pause"] };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { [roleLabel]: roleOf(prober) } },
    spec: {
      nodeName: node,
      ...(onHost ? { hostNetwork: true } : {}),
      terminationGracePeriodSeconds: 1,
      containers: [
        { name: proberContainer, image, args: ["probe-server", "--port", String(probePort)] },
        ...(isFirst(prober) ? [neighbour] : []),
      ],
    },
  };
}
