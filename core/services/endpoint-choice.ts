/* Which endpoints take a Service's traffic on one node: kube-proxy's choice (its pkg/proxy/topology.go; KEP-1669, KEP-4444). Pure. */

import { formatIpv4, type Ipv4 } from "../ipv4.ts";
import type { Backend } from "./endpoint-merge.ts";

export interface TargetEndpoint {
  readonly address: Ipv4;
  readonly port: number;
}

/** One of the endpoints by chance; or refused at once, since there is none anywhere; or dropped, since there is none here. */
export type Target = readonly TargetEndpoint[] | "reject" | "drop";

export interface Viewpoint {
  readonly nodeName: string;
  /** "" where the node has none. */
  readonly zone: string;
}

export interface Choice {
  readonly targets: { readonly Cluster: Target; readonly Local: Target };
  /** `address:port` of whoever serves, those that end too. */
  readonly serving: ReadonlySet<string>;
}

/**
 * (1) Ready ones first; those that end and still serve only where there is no other.
 * (2) Hints narrow the choice among ready ones only, and only where each of them has one.
 */
export function choose(backends: readonly Backend[], viewpoint: Viewpoint): Choice {
  const ready = backends.filter((backend) => backend.ready);
  const ending = backends.filter((backend) => !backend.ready && backend.serving && backend.terminating);
  const isHere = ({ nodeName }: Backend) => nodeName === viewpoint.nodeName;
  const cluster = firstFilled(near(ready, viewpoint), ending);
  const local = firstFilled(ready.filter(isHere), ending.filter(isHere));
  const otherwise = cluster.length === 0 ? "reject" : "drop";
  return {
    targets: { Cluster: targetOf(cluster) ?? otherwise, Local: targetOf(local) ?? otherwise },
    serving: new Set([...ready, ...ending].map(endpointText)),
  };
}

/** Enough of an endpoint to tell it from the others of a port. */
export function endpointText({ address, port }: TargetEndpoint): string {
  return `${formatIpv4(address)}:${port}`;
}

function near(ready: readonly Backend[], { nodeName, zone }: Viewpoint): readonly Backend[] {
  return narrowed(ready, ({ forNodes }) => forNodes, nodeName) ?? narrowed(ready, ({ forZones }) => forZones, zone) ?? ready;
}

function narrowed(
  ready: readonly Backend[],
  hintsOf: (backend: Backend) => readonly string[],
  place: string,
): readonly Backend[] | undefined {
  if (!ready.every((backend) => hintsOf(backend).length > 0)) return undefined;
  const here = ready.filter((backend) => hintsOf(backend).includes(place));
  return here.length > 0 ? here : undefined;
}

function firstFilled<T>(first: readonly T[], second: readonly T[]): readonly T[] {
  return first.length > 0 ? first : second;
}

function targetOf(backends: readonly Backend[]): Target | undefined {
  return backends.length === 0 ? undefined : backends.map(({ address, port }) => ({ address, port }));
}
