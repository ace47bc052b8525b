/* The host's one nftables table, as text for `nft -f -` and from `nft -j`. The table is never deleted: half a second without it
 * would reset connections. nft 1.0.6 has no `destroy`, so what may be absent is added before it is flushed. */

import { createHash } from "node:crypto";
import { formatCidr } from "#core/cidr.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { podDevicePrefix, type RuleBase, type SetElement, tunName } from "./network.ts";

const table = "ip podwire";
const marker = "base_";

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
    ...chainsOf(base),
    `add chain ${table} ${marker}${digest}`,
    ...(stale === undefined || stale === digest ? [] : [`delete chain ${table} ${marker}${stale}`]),
  ];
}

export function renderElement(verb: "add" | "delete", element: SetElement): string {
  const value = element.set === "pods" ? `"${element.device}" . ${formatIpv4(element.address)}` : formatIpv4(element.address);
  return `${verb} element ${table} ${element.set} { ${value} }`;
}

function chainsOf({ podRange, nodeAddress }: RuleBase): string[] {
  const pods = formatCidr(podRange);
  return [
    // A pod sends under its own address only.
    `add chain ${table} antispoof { type filter hook prerouting priority raw; policy accept; }`,
    `flush chain ${table} antispoof`,
    `add rule ${table} antispoof iifname "${podDevicePrefix}*" iifname . ip saddr != @pods counter drop`,
    // Pods keep their address towards pods and nodes; towards the rest of the world they borrow the node's. Never `masquerade`:
    // it would pick the address of whatever device the packet leaves by.
    `add chain ${table} egress { type nat hook postrouting priority srcnat; policy accept; }`,
    `flush chain ${table} egress`,
    `add rule ${table} egress oifname "${tunName}" accept`,
    `add rule ${table} egress ip saddr ${pods} ip daddr != ${pods} ip daddr != @nodes snat to ${formatIpv4(nodeAddress)} fully-random`,
  ];
}

interface NftJson {
  readonly nftables: readonly {
    readonly chain?: { readonly name: string };
    readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
  }[];
}

/** From `nft -j list table ip podwire`. */
export function parseTable(json: string): { ruleBase: string | undefined; elements: SetElement[] } {
  const { nftables } = JSON.parse(json) as NftJson;
  const elements: SetElement[] = [];
  let ruleBase: string | undefined;
  for (const { chain, set } of nftables) {
    if (chain?.name.startsWith(marker)) ruleBase = chain.name.slice(marker.length);
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
