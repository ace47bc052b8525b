/* The records of one Service, after the Kubernetes DNS specification 1.1.0
 * (https://github.com/kubernetes/dns/blob/master/docs/specification.md). Pure. */

import type { Answer } from "dns-packet";
import { readIpv4 } from "#core/ipv4.ts";
import { clusterDomain } from "#core/services/service-range.ts";
import { clusterIpOf, isHeadless, serviceTypeOf } from "#core/services/service-type.ts";
import type { Endpoint, EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";

export interface RecordsInput {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly ttlSeconds: number;
}

const labelBytesMax = 63;

/** Without a record twice. */
export function recordsOf({ service, slices, ttlSeconds }: RecordsInput): Answer[] {
  const records = new Map<string, Answer>();
  for (const record of bareRecords(service, slices).filter(canBeWritten)) {
    records.set(textOf(record), { ...record, ttl: ttlSeconds } as Answer);
  }
  return [...records.values()];
}

/** Kubernetes lets an external name and a slice's port have labels that are longer than DNS' 63 bytes. */
function canBeWritten(record: Answer): boolean {
  const names = record.type === "CNAME" ? [record.name, record.data] : [record.name];
  return names.every((name) => name.split(".").every(({ length }) => length <= labelBytesMax));
}

function textOf(record: Answer): string {
  const head = `${record.type} ${record.name}`;
  if (record.type === "SRV") return `${head} ${record.data.port} ${record.data.target}`;
  return "data" in record ? `${head} ${record.data}` : head;
}

function bareRecords(service: Service, slices: readonly EndpointSlice[]): Answer[] {
  const name = `${service.metadata?.name}.${service.metadata?.namespace}.svc.${clusterDomain}`;
  if (!serviceTypeOf(service.spec).hasAddress) return aliasRecords(name, service.spec?.externalName ?? "");
  if (isHeadless(service.spec)) return endpointRecords(name, slices);
  const address = clusterIpOf(service);
  if (address === undefined) return [];
  return [
    { name, type: "A", data: address },
    { name: reverseName(address), type: "PTR", data: name },
    ...(service.spec?.ports ?? []).flatMap((port) => serverRecords(name, port, [{ target: name, port: port.port ?? 0 }])),
  ];
}

/** An address is no name: whoever followed it would ask for a domain called 1.2.3.4. */
function aliasRecords(name: string, externalName: string): Answer[] {
  const target = externalName.toLowerCase().replace(/\.$/, "");
  return target === "" || readIpv4(target) !== undefined ? [] : [{ name, type: "CNAME", data: target }];
}

/** Of a headless Service: the slices' `ready` says already whether unready endpoints are published. */
function endpointRecords(name: string, slices: readonly EndpointSlice[]): Answer[] {
  const ofSlices = slices.map(({ endpoints, ports }) => ({
    ports,
    hosts: endpoints.filter(({ conditions }) => conditions?.ready !== false).flatMap((endpoint) => hostsOf(name, endpoint)),
  }));
  const hostCount = ofSlices.reduce((sum, { hosts }) => sum + hosts.length, 0);
  return ofSlices.flatMap(({ ports, hosts }) => [
    ...hosts.flatMap(({ host, address }): Answer[] => [
      { name, type: "A", data: address },
      { name: host, type: "A", data: address },
      { name: reverseName(address), type: "PTR", data: host },
    ]),
    ...ports.flatMap((port) =>
      serverRecords(
        name,
        port,
        hosts.map(({ host }) => ({ target: host, port: port.port ?? 0 })),
        hostCount,
      ),
    ),
  ]);
}

function hostsOf(name: string, { hostname, addresses }: Endpoint): { host: string; address: string }[] {
  return addresses.map((address) => ({ host: `${hostname || address.replaceAll(".", "-")}.${name}`, address }));
}

/** Ports without a name have none. All servers are alike: 100 shared out, as CoreDNS does. */
function serverRecords(
  name: string,
  { name: port = "", protocol = "TCP" }: { readonly name?: string | undefined; readonly protocol?: string | undefined },
  servers: readonly { readonly target: string; readonly port: number }[],
  count = servers.length,
): Answer[] {
  if (port === "") return [];
  const owner = `_${port}._${protocol.toLowerCase()}.${name}`;
  const weight = Math.max(1, Math.floor(100 / count));
  return servers.map((server) => ({ name: owner, type: "SRV", data: { priority: 0, weight, ...server } }));
}

function reverseName(address: string): string {
  return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
}
