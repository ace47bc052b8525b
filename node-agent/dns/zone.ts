/* The cluster's zone, after the Kubernetes DNS specification 1.1.0, and the reverse names of its addresses. Pure: from Services and
 * EndpointSlices to the answer to any question, and only what changed is made anew. */

import type { Answer } from "dns-packet";
import { type Cidr, cidrContains } from "#core/cidr.ts";
import { formatIpv4, readIpv4 } from "#core/ipv4.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import { clusterDomain, dnsAddress } from "#core/services/service-range.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { createNameIndex } from "./name-index.ts";
import { recordsOf } from "./service-records.ts";

export interface Zone {
  /** Takes the same objects as unchanged. */
  set(services: ReadonlyMap<string, Service>, endpointSlices: ReadonlyMap<string, EndpointSlice>): void;
  /** `name` in lower case, without the last dot; `type` as dns-packet writes it. */
  find(name: string, type: string): ZoneAnswer;
}

export type ZoneAnswer =
  /** Not ours to answer. */
  | { readonly found: "outside" }
  /** `alias` is the name outside the zone that they end at. */
  | {
      readonly found: "records";
      readonly answers: readonly Answer[];
      readonly additionals: readonly Answer[];
      readonly alias?: string;
    }
  /** `answers` are the aliases on the way, mostly none. */
  | { readonly found: "no-records" | "no-name"; readonly answers: readonly Answer[]; readonly authority: Answer };

export interface ZoneOptions {
  readonly serviceRange: Cidr;
  readonly podRange: Cidr;
  readonly ttlSeconds: number;
}

const reverseDomain = "in-addr.arpa";
const nameServer = `ns.dns.${clusterDomain}`;
const specificationVersion = "1.1.0";
/** As many Services may be aliases of each other. */
const aliasesMax = 8;

export function createZone({ serviceRange, podRange, ttlSeconds }: ZoneOptions): Zone {
  const index = createNameIndex();
  const sliceKeys = new Map<string, Set<string>>();
  const recordsOfService = new Map<string, readonly Answer[]>();
  let services: ReadonlyMap<string, Service> = new Map();
  let slices: ReadonlyMap<string, EndpointSlice> = new Map();
  let serial = 0;
  let turn = 0;

  const ttl = ttlSeconds;
  index.add({ name: clusterDomain, type: "NS", ttl, data: nameServer });
  index.add({ name: nameServer, type: "A", ttl, data: formatIpv4(dnsAddress(serviceRange)) });
  index.add({ name: `dns-version.${clusterDomain}`, type: "TXT", ttl, data: specificationVersion });
  index.keep(`svc.${clusterDomain}`);
  const startOf = (domain: string): Answer => ({
    ...{ name: domain, type: "SOA", ttl },
    data: {
      mname: nameServer,
      rname: `hostmaster.${clusterDomain}`,
      serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
    },
  });
  let starts = { cluster: startOf(clusterDomain), reverse: startOf(reverseDomain) };

  const renew = (key: string): void => {
    for (const record of recordsOfService.get(key) ?? []) index.remove(record);
    recordsOfService.delete(key);
    const service = services.get(key);
    if (service === undefined) return;
    const own = [...(sliceKeys.get(key) ?? [])].flatMap((slice) => slices.get(slice) ?? []);
    const records = recordsOf({ service, slices: own, ttlSeconds });
    recordsOfService.set(key, records);
    for (const record of records) index.add(record);
  };

  const lookUp = (name: string): readonly Answer[] | undefined => {
    if (name === clusterDomain) return [starts.cluster, ...(index.get(name) ?? [])];
    return isWithin(name, `pod.${clusterDomain}`) ? podRecords(name, ttl) : index.get(name);
  };

  const isOurs = (name: string): boolean => {
    if (isWithin(name, clusterDomain)) return true;
    const block = isWithin(name, reverseDomain) ? blockOfReverse(name) : undefined;
    if (block === undefined) return false;
    if ([serviceRange, podRange].some((range) => block.prefix >= range.prefix && cidrContains(range, block.base))) return true;
    return block.prefix === 32 && index.get(name) !== undefined;
  };

  const find = (name: string, type: string, aliases: readonly Answer[]): ZoneAnswer => {
    const authority = isWithin(name, clusterDomain) ? starts.cluster : starts.reverse;
    const records = lookUp(name);
    if (records === undefined) return { found: "no-name", answers: aliases, authority };
    const alias = records.find((record) => record.type === "CNAME");
    if (alias?.type === "CNAME" && type !== "CNAME" && type !== "ANY") return follow([...aliases, alias], alias.data, type);
    const wanted = type === "ANY" ? records : records.filter((record) => record.type === type);
    if (wanted.length === 0) return { found: "no-records", answers: aliases, authority };
    // Whoever takes the first address shall not always take the same.
    turn = (turn + 1) % 0x10000;
    const answers = [...aliases, ...rotated(wanted, turn)];
    return { found: "records", answers, additionals: [...new Set(answers.flatMap((record) => addressesOf(record, index.get)))] };
  };

  const follow = (aliases: readonly Answer[], target: string, type: string): ZoneAnswer => {
    if (!isOurs(target)) return { found: "records", answers: aliases, additionals: [], alias: target };
    return aliases.length < aliasesMax ? find(target, type, aliases) : { found: "records", answers: aliases, additionals: [] };
  };

  return {
    set(nextServices, nextSlices) {
      const changed = new Set(changedKeys(services, nextServices));
      for (const key of changedKeys(slices, nextSlices)) {
        for (const [map, has] of [
          [slices, false],
          [nextSlices, true],
        ] as const) {
          const owner = ownerOf(map.get(key));
          if (owner === undefined) continue;
          changed.add(owner);
          const own = sliceKeys.get(owner) ?? new Set();
          if (has) own.add(key);
          else own.delete(key);
          if (own.size > 0) sliceKeys.set(owner, own);
          else sliceKeys.delete(owner);
        }
      }
      services = nextServices;
      slices = nextSlices;
      if (changed.size === 0) return;
      serial += 1;
      starts = { cluster: startOf(clusterDomain), reverse: startOf(reverseDomain) };
      for (const key of changed) renew(key);
    },
    find: (name, type) => (isOurs(name) ? find(name, type, []) : { found: "outside" }),
  };
}

function changedKeys<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): string[] {
  if (before === after) return [];
  const changed = [...after.keys()].filter((key) => before.get(key) !== after.get(key));
  return [...changed, ...[...before.keys()].filter((key) => !after.has(key))];
}

/** The Service that a slice belongs to; DNS has IPv4 alone. */
function ownerOf(slice: EndpointSlice | undefined): string | undefined {
  const name = slice?.metadata?.labels[serviceNameLabel];
  return name === undefined || slice?.addressType !== "IPv4" ? undefined : `${slice.metadata?.namespace}/${name}`;
}

/** `1-2-3-4.NAMESPACE.pod` is 1.2.3.4 whatever runs there, as with CoreDNS' `pods insecure`. */
function podRecords(name: string, ttl: number): readonly Answer[] | undefined {
  const labels = name.slice(0, -clusterDomain.length - 1).split(".");
  if (labels.length <= 2) return [];
  const [first = ""] = labels;
  if (labels.length > 3 || !/^[0-9]+(-[0-9]+){3}$/.test(first)) return undefined;
  const address = readIpv4(first.replaceAll("-", "."));
  return address === undefined ? undefined : [{ name, type: "A", ttl, data: formatIpv4(address) }];
}

/** `96.10.in-addr.arpa` stands for 10.96.0.0/16. */
function blockOfReverse(name: string): Cidr | undefined {
  const octets = name
    .slice(0, -reverseDomain.length - 1)
    .split(".")
    .reverse();
  if (octets.length > 4) return undefined;
  const base = readIpv4([...octets, "0", "0", "0"].slice(0, 4).join("."));
  return base === undefined ? undefined : { base, prefix: 8 * octets.length };
}

/** What whoever gets a server's or a name server's name asks for next. */
function addressesOf(record: Answer, get: (name: string) => readonly Answer[] | undefined): readonly Answer[] {
  const target = record.type === "SRV" ? record.data.target : record.type === "NS" ? record.data : undefined;
  return target === undefined ? [] : (get(target) ?? []).filter(({ type }) => type === "A");
}

function isWithin(name: string, domain: string): boolean {
  return name.endsWith(domain) && (name.length === domain.length || name[name.length - domain.length - 1] === ".");
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  if (items.length < 2) return items;
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
