/* What Podwire asks of the kernel's network, each as lines that the trial gives to `ip` and `nft` in a network namespace of its own. */

import { addressAt, parseCidr } from "#core/cidr.ts";
import type { ProxiedPort } from "#core/services/proxied-port.ts";
import { renderRoute, renderRule } from "../ip.ts";
import { podTable } from "../network.ts";
import { renderRuleBase } from "../nft.ts";
import { renderTableChange } from "../service-nft.ts";
import { serviceTableOf } from "../service-rules.ts";

export interface FeatureSpec {
  readonly program: "ip" | "nft";
  readonly lines: readonly string[];
}

// Documentation's addresses (RFC 5737): the namespace has no way out anyway.
const range = parseCidr("192.0.2.0/24");
const address = addressAt(range, 1);
const table = "ip podwire_trial";

/** In the order of their lines: later ones may use what earlier ones made. */
export const features = {
  veth: { program: "ip", lines: ["link add name veth0 type veth peer name veth1"] },
  bridge: { program: "ip", lines: ["link add name bridge0 type bridge", "link set veth0 master bridge0 addrgenmode none"] },
  tun: { program: "ip", lines: ["tuntap add name tun0 mode tun vnet_hdr"] },
  routes: {
    program: "ip",
    lines: [
      renderRoute("replace", { table: podTable, destination: range, to: "unreachable" }),
      renderRule("add", { priority: 100, from: range, table: podTable }),
      "rule add priority 90 fwmark 1 lookup main",
    ],
  },
  tables: {
    program: "nft",
    lines: [`add table ${table}`, `add chain ${table} filter { type filter hook forward priority 0; policy accept; }`],
  },
  sets: { program: "nft", lines: [`add set ${table} pods { type ifname . ipv4_addr; }`] },
  maps: { program: "nft", lines: [`add map ${table} ports { type inet_proto . inet_service : ipv4_addr . inet_service; }`] },
  "verdict maps": {
    program: "nft",
    lines: [
      `add map ${table} services { type ipv4_addr . inet_proto . inet_service : verdict; }`,
      `add rule ${table} filter ip daddr . meta l4proto . th dport vmap @services`,
    ],
  },
  numgen: { program: "nft", lines: [`add rule ${table} filter numgen random mod 2 vmap { 0 : accept, 1 : accept }`] },
  reject: { program: "nft", lines: [`add rule ${table} filter meta l4proto tcp reject with tcp reset`] },
  "ct mark": { program: "nft", lines: [`add rule ${table} filter ct mark set 1`] },
  "ct state": { program: "nft", lines: [`add rule ${table} filter ct state established,related accept`] },
  nat: {
    program: "nft",
    lines: [
      `add chain ${table} nat { type nat hook postrouting priority srcnat; policy accept; }`,
      `add rule ${table} nat ct status dnat snat to 192.0.2.1 fully-random`,
    ],
  },
  "a node's own rules": {
    program: "nft",
    lines: renderRuleBase({ podRange: range, nodeAddress: address, dnsAddress: address }, undefined),
  },
  "a node's Services": { program: "nft", lines: serviceLines() },
} as const satisfies Readonly<Record<string, FeatureSpec>>;

/** A Service with all that a rule can do: it chooses by chance and remembers its clients. */
function serviceLines(): string[] {
  const targets = [1, 2].map((offset) => ({ address: addressAt(range, offset), port: 80 }));
  const port: ProxiedPort = {
    namespace: "default",
    service: "trial",
    key: "default/trial/tcp/80",
    protocol: "tcp",
    port: 80,
    clusterAddress: address,
    balancerAddresses: [],
    nodePort: 30_080,
    affinitySeconds: 60,
    internalPolicy: "Cluster",
    externalPolicy: "Local",
    targets: { Cluster: targets, Local: "drop" },
    serving: new Set(),
  };
  const node = { nodeAddress: address, podRange: range, serviceRange: range, dnsAddress: address };
  const { chains, affinitySets, elements } = serviceTableOf([port], node);
  return renderTableChange({
    anew: true,
    chains,
    affinitySets: [...affinitySets],
    elements: [...elements.values()],
    staleElements: [],
    staleChains: [],
    staleAffinitySets: [],
  });
}

export type Feature = keyof typeof features;

/** The lines of one program, and whose each is. */
export function linesFor(program: FeatureSpec["program"]): { readonly feature: Feature; readonly line: string }[] {
  return Object.entries(features).flatMap(([feature, spec]) =>
    spec.program === program ? spec.lines.map((line) => ({ feature: feature as Feature, line })) : [],
  );
}
