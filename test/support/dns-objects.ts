/* Services and EndpointSlices as a node's view has them. */

import { parseCidr } from "#core/cidr.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { serviceKind } from "#core/objects/service.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import type { DnsView } from "../../node-agent/dns/last-seen.ts";

export const ranges = { serviceRange: parseCidr("10.96.0.0/16"), podRange: parseCidr("10.244.0.0/16") };

export function dnsService(name: string, spec: object, namespace = "shop"): Service {
  return serviceKind.withDefaults(serviceKind.fromJson({ metadata: { name, namespace }, spec }));
}

/** Of the Service of that name; of its `part`th slice. */
export function dnsSlice(service: string, parts: object, { namespace = "shop", part = 1 } = {}): EndpointSlice {
  const metadata = { name: `${service}-${part}`, namespace, labels: { [serviceNameLabel]: service } };
  return endpointSliceKind.withDefaults(endpointSliceKind.fromJson({ metadata, addressType: "IPv4", ...parts }));
}

export function dnsView(services: readonly Service[], slices: readonly EndpointSlice[] = []): DnsView {
  return { ...ranges, services: byKey(services), endpointSlices: byKey(slices) };
}

/** Services of one VIP and one named port each, as a big cluster has them. */
export function manyServices(count: number, endpointCount: number): DnsView {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const address = (range: string, i: number) => `10.${range}.${i >> 8}.${i & 255}`;
  const services = numbers.map((i) =>
    dnsService(`service-${i}`, { clusterIP: address("96", 256 + i), ports: [{ name: "http", port: 80 }] }),
  );
  const slices = numbers.map((i) =>
    dnsSlice(`service-${i}`, {
      ports: [{ name: "http", port: 8080 }],
      endpoints: Array.from({ length: endpointCount }, (_, j) => ({ addresses: [address("244", i * endpointCount + j)] })),
    }),
  );
  return dnsView(services, slices);
}

function byKey<T extends Service | EndpointSlice>(objects: readonly T[]): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [`${object.metadata?.namespace}/${object.metadata?.name}`, object]));
}
