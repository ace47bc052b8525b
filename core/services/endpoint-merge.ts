/* A Service's endpoints may stand in several slices, by address or by port: what stands behind one of its ports is all of theirs. Pure. */

import type { Endpoint, EndpointSlice } from "#proto/podwire/v1/resources.ts";
import { type Ipv4, parseIpv4 } from "../ipv4.ts";
import { serviceNameLabel } from "./labels.ts";

/** One address and port that a slice names. */
export interface Backend {
  readonly address: Ipv4;
  readonly port: number;
  /** "" where it is nowhere. */
  readonly nodeName: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
}

export interface PortIdentity {
  /** "" where it has none. */
  readonly portName: string;
  readonly protocol: "tcp" | "udp";
}

/** By namespace/name of the Service. */
export function slicesByService(slices: Iterable<EndpointSlice>): Map<string, EndpointSlice[]> {
  return Map.groupBy(slices, ({ metadata }) => `${metadata?.namespace}/${metadata?.labels?.[serviceNameLabel]}`);
}

/** Of one Service's slices: each address and port once. */
export function backendsByPort(slices: readonly EndpointSlice[]): (port: PortIdentity) => readonly Backend[] {
  const ports = new Map<string, Map<string, Backend>>();
  for (const { addressType, endpoints, ports: slicePorts } of slices) {
    if ((addressType ?? "IPv4") !== "IPv4") continue;
    for (const { name: portName = "", protocol, port } of slicePorts) {
      if (port === undefined) continue;
      const key = keyOf({ portName, protocol: protocol === "UDP" ? "udp" : "tcp" });
      const backends = ports.get(key) ?? new Map<string, Backend>();
      ports.set(key, backends);
      for (const endpoint of endpoints) add(backends, endpoint, port);
    }
  }
  return (port) => [...(ports.get(keyOf(port))?.values() ?? [])];
}

/** Only the first address: the others are the same endpoint's. While it moves from one slice to another it may stand in both. */
function add(backends: Map<string, Backend>, { addresses, conditions, nodeName = "", hints }: Endpoint, port: number): void {
  const [text] = addresses;
  if (text === undefined) return;
  const key = `${text}:${port}`;
  const ready = conditions?.ready ?? true;
  const known = backends.get(key);
  if (known !== undefined && (known.ready || !ready)) return;
  backends.set(key, {
    address: parseIpv4(text),
    port,
    nodeName,
    ready,
    serving: conditions?.serving ?? true,
    terminating: conditions?.terminating ?? false,
    forZones: (hints?.forZones ?? []).map(({ name = "" }) => name),
    forNodes: (hints?.forNodes ?? []).map(({ name = "" }) => name),
  });
}

function keyOf({ portName, protocol }: PortIdentity): string {
  return `${protocol}/${portName}`;
}
