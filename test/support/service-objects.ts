/* Services and their slices, as the control plane would send them. */

import { parseCidr } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import type { ProxyNode } from "#core/services/packet-fate.ts";
import type { ProxyView } from "#core/services/proxied-port.ts";
import { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";

export interface PortSketch {
  readonly name?: string;
  readonly protocol?: "TCP" | "UDP";
  readonly port: number;
  readonly nodePort?: number;
}

export interface ServiceSketch {
  readonly clusterIP: string;
  /** One of TCP, 80, where it is absent. */
  readonly ports?: readonly PortSketch[];
  readonly labels?: Readonly<Record<string, string>>;
  /** More of the spec. */
  readonly spec?: object;
  /** Addresses of a load balancer. */
  readonly ingress?: readonly string[];
}

export function makeService(
  name: string,
  { clusterIP, ports = [{ port: 80 }], labels, spec, ingress = [] }: ServiceSketch,
): Service {
  return Service.fromJSON({
    metadata: { name, namespace: "default", labels },
    spec: { type: "ClusterIP", clusterIP, clusterIPs: [clusterIP], ports, ...spec },
    status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
  });
}

export interface EndpointSketch {
  readonly address: string;
  readonly node?: string;
  /** Ready where they are absent. */
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly forZones?: readonly string[];
  readonly forNodes?: readonly string[];
}

export interface SliceSketch {
  readonly service: string;
  /** One of TCP, 8080, where it is absent. */
  readonly ports?: readonly { readonly name?: string; readonly protocol?: "TCP" | "UDP"; readonly port: number }[];
}

export function makeSlice(
  name: string,
  { service, ports = [{ port: 8080 }] }: SliceSketch,
  ...endpoints: readonly EndpointSketch[]
): EndpointSlice {
  const named = (names: readonly string[] | undefined) => names?.map((name) => ({ name }));
  return EndpointSlice.fromJSON({
    metadata: { name, namespace: "default", labels: { [serviceNameLabel]: service } },
    addressType: "IPv4",
    ports: ports.map((port) => ({ name: "", protocol: "TCP", ...port })),
    endpoints: endpoints.map(({ address, node, ready, serving, terminating, forZones, forNodes }) => ({
      addresses: [address],
      nodeName: node,
      conditions: { ready, serving, terminating },
      hints: { forZones: named(forZones), forNodes: named(forNodes) },
    })),
  });
}

/** The node of tests that have one only: "node-1" in zone "east". */
export const proxyNode: ProxyNode = {
  nodeAddress: parseIpv4("192.168.0.1"),
  podRange: parseCidr("10.244.0.0/16"),
  serviceRange: parseCidr("10.96.0.0/16"),
  dnsAddress: parseIpv4("10.96.0.10"),
};

/** As that node sees them. */
export function proxyViewOf(...objects: readonly (Service | EndpointSlice)[]): ProxyView {
  const entries = <T extends Service | EndpointSlice>(items: readonly T[]) =>
    new Map(items.map((item) => [`${item.metadata?.namespace}/${item.metadata?.name}`, item]));
  return {
    nodeName: "node-1",
    zone: "east",
    services: entries(objects.filter((object) => !isSlice(object))),
    endpointSlices: entries(objects.filter(isSlice)),
  };
}

export function isSlice(object: Service | EndpointSlice): object is EndpointSlice {
  return "endpoints" in object;
}
