/* The host's one nftables table, as text for `nft -f -` and from `nft -j`. The table is never deleted: half a second without it
 * would reset connections. nft 1.0.6 has no `destroy`, so what may be absent is added before it is flushed. */

import { createHash } from "node:crypto";
import { formatCidr } from "#core/cidr.ts";
import { unreachable } from "#core/errors.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { podDevicePrefix, type RuleBase, type SetElement, tunName, underlayMark } from "./network.ts";

const table = "ip podwire";
const marker = "base_";
/** Host ports, of each of the node's addresses and of one of them. */
const anyAddressMap = "host_ports";
const oneAddressMap = "host_address_ports";

/** Identifies a rule base; an empty chain of that name says in the kernel which one the table was made from. */
export function digestOf(base: RuleBase): string {
  return createHash("sha256").update(chainsOf(base).join("\n")).digest("hex").slice(0, 16);
}

/** Makes or replaces all chains in one transaction; the sets keep their elements. `stale` is the digest that stands there now. */
export function renderRuleBase(base: RuleBase, stale: string | undefined): string[] {
  const digest = digestOf(base);
  return [
    `add table ${table}`,
    `add set ${table} pods { type ifname . ipv4_addr; }`,
    `add set ${table} nodes { type ipv4_addr; }`,
    `add map ${table} ${anyAddressMap} { type inet_proto . inet_service : ipv4_addr . inet_service; }`,
    `add map ${table} ${oneAddressMap} { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }`,
    ...chainsOf(base),
    `add chain ${table} ${marker}${digest}`,
    ...(stale === undefined || stale === digest ? [] : [`delete chain ${table} ${marker}${stale}`]),
  ];
}

export function renderElement(verb: "add" | "delete", element: SetElement): string {
  const { set, value } = inTable(element);
  return `${verb} element ${table} ${set} { ${value} }`;
}

function inTable(element: SetElement): { readonly set: string; readonly value: string } {
  const address = formatIpv4(element.address);
  switch (element.set) {
    case "pods":
      return { set: element.set, value: `"${element.device}" . ${address}` };
    case "nodes":
      return { set: element.set, value: address };
    case "hostPorts": {
      const { protocol, port, containerPort, hostAddress } = element;
      const value = `${protocol} . ${port} : ${address} . ${containerPort}`;
      if (hostAddress === undefined) return { set: anyAddressMap, value };
      return { set: oneAddressMap, value: `${formatIpv4(hostAddress)} . ${value}` };
    }
    default:
      return unreachable(element);
  }
}

function chainsOf({ podRange, nodeAddress, dnsAddress }: RuleBase): string[] {
  const pods = formatCidr(podRange);
  return [
    // A pod sends under its own address only.
    `add chain ${table} antispoof { type filter hook prerouting priority raw; policy accept; }`,
    `flush chain ${table} antispoof`,
    `add rule ${table} antispoof iifname "${podDevicePrefix}*" iifname . ip saddr != @pods counter drop`,
    // What comes from the hosts' own network is answered by it: a rule looks for the mark before it looks for pods.
    `add chain ${table} arrivals { type filter hook prerouting priority mangle; policy accept; }`,
    `flush chain ${table} arrivals`,
    `add rule ${table} arrivals ct state new iifname != { "lo", "${tunName}" } iifname != "${podDevicePrefix}*" ct mark set ct mark | ${underlayMark}`,
    `add rule ${table} arrivals ct direction reply ct mark & ${underlayMark} != 0 meta mark set meta mark | ${underlayMark}`,
    // Host ports, for whoever comes and for the node itself; those of the cluster's name server are no pod's.
    ...["prerouting", "output"].flatMap((hook) => [
      `add chain ${table} host_${hook} { type nat hook ${hook} priority -100; policy accept; }`,
      `flush chain ${table} host_${hook}`,
      `add rule ${table} host_${hook} ip daddr { 127.0.0.0/8, ${formatIpv4(dnsAddress)} } accept`,
      ...[`ip daddr . meta l4proto . th dport map @${oneAddressMap}`, `meta l4proto . th dport map @${anyAddressMap}`].map(
        (target) => `add rule ${table} host_${hook} meta l4proto { tcp, udp } fib daddr type local dnat ip to ${target}`,
      ),
    ]),
    // Pods keep their address towards pods and nodes; towards the rest of the world they borrow the node's. Never `masquerade`:
    // it would pick the address of whatever device the packet leaves by.
    `add chain ${table} egress { type nat hook postrouting priority srcnat; policy accept; }`,
    `flush chain ${table} egress`,
    // A pod that comes to itself by way of its host port: it would not answer its own address.
    `add rule ${table} egress ct status dnat iifname . ip daddr @pods snat to ${formatIpv4(nodeAddress)}`,
    `add rule ${table} egress oifname "${tunName}" accept`,
    `add rule ${table} egress ip saddr ${pods} ip daddr != ${pods} ip daddr != @nodes snat to ${formatIpv4(nodeAddress)} fully-random`,
  ];
}

interface NftJson {
  readonly nftables: readonly {
    readonly chain?: { readonly name: string };
    readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
    readonly map?: { readonly name: string; readonly elem?: readonly unknown[] };
  }[];
}

/** From `nft -j list table ip podwire`. */
export function parseTable(json: string): { ruleBase: string | undefined; elements: SetElement[] } {
  const { nftables } = JSON.parse(json) as NftJson;
  const elements: SetElement[] = [];
  let ruleBase: string | undefined;
  for (const { chain, set, map } of nftables) {
    if (chain?.name.startsWith(marker)) ruleBase = chain.name.slice(marker.length);
    if (map?.name === anyAddressMap || map?.name === oneAddressMap) {
      elements.push(...(map.elem ?? []).map((item) => readHostPort(item, map.name === oneAddressMap)));
    }
    for (const item of set?.elem ?? []) {
      if (set?.name === "nodes") elements.push({ set: "nodes", address: parseIpv4(String(item)) });
      else if (set?.name === "pods") {
        const [device, address] = (item as { concat: [string, string] }).concat;
        elements.push({ set: "pods", device, address: parseIpv4(address) });
      }
    }
  }
  return { ruleBase, elements };
}

interface ConcatJson<T> {
  readonly concat: T;
}

function readHostPort(item: unknown, hasAddress: boolean): SetElement {
  type Key = readonly ["tcp" | "udp", number];
  const [{ concat: key }, { concat: to }] = item as [ConcatJson<Key | readonly [string, ...Key]>, ConcatJson<[string, number]>];
  const [protocol, port] = (hasAddress ? key.slice(1) : key) as unknown as Key;
  const [address, containerPort] = to;
  const own = hasAddress ? { hostAddress: parseIpv4(String(key[0])) } : {};
  return { set: "hostPorts", address: parseIpv4(address), protocol, port, containerPort, ...own };
}
