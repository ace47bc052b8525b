/* Where a packet that opens a flow ends on a node, by what the node's proxy serves. The rules in the kernel must agree. Pure. */

import { type Cidr, cidrContains } from "../cidr.ts";
import type { Ipv4 } from "../ipv4.ts";
import type { TargetEndpoint } from "./endpoint-choice.ts";
import type { ProxiedPort, TrafficPolicy } from "./proxied-port.ts";

export interface ProxyNode {
  readonly nodeAddress: Ipv4;
  readonly podRange: Cidr;
  readonly serviceRange: Cidr;
  /** The node answers names there itself, on port 53. */
  readonly dnsAddress: Ipv4;
}

export interface Packet {
  /** A pod of this node, the node itself, or anybody else. */
  readonly from: "pod" | "node" | "elsewhere";
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

export type Fate =
  /** One of the endpoints has it, and sees the sender's address or the node's. */
  | { readonly fate: "delivered"; readonly to: readonly TargetEndpoint[]; readonly seenFrom: Ipv4 }
  | { readonly fate: "refused" }
  | { readonly fate: "dropped" }
  /** It was for no Service. */
  | { readonly fate: "passed" };

export function fateOf(packet: Packet, ports: readonly ProxiedPort[], node: ProxyNode): Fate {
  const { destination, port, protocol, source } = packet;
  if (destination === node.dnsAddress) return { fate: port === 53 ? "passed" : "refused" };
  for (const served of ports) {
    if (served.protocol !== protocol) continue;
    const internal = served.clusterAddress === destination && served.port === port;
    const external =
      (served.balancerAddresses.includes(destination) && served.port === port) ||
      (destination === node.nodeAddress && served.nodePort === port);
    if (!internal && !external) continue;
    const { policy, masqueraded } = internal ? throughVip(packet, served, node) : fromOutside(packet, served);
    const target = served.targets[policy];
    if (target === "reject") return { fate: "refused" };
    if (target === "drop") return { fate: "dropped" };
    return { fate: "delivered", to: target, seenFrom: masqueraded ? node.nodeAddress : source };
  }
  const isServed = ports.some(({ clusterAddress, balancerAddresses }) =>
    [clusterAddress, ...balancerAddresses].includes(destination),
  );
  if (isServed) return { fate: "refused" };
  return { fate: cidrContains(node.serviceRange, destination) ? "dropped" : "passed" };
}

interface Way {
  readonly policy: TrafficPolicy;
  /** The endpoint sees the node's address: else it would answer past the node. */
  readonly masqueraded: boolean;
}

function throughVip({ source }: Packet, { internalPolicy }: ProxiedPort, { podRange }: ProxyNode): Way {
  return { policy: internalPolicy, masqueraded: !cidrContains(podRange, source) };
}

/** With policy Local whoever is on this node anyway may have any endpoint. */
function fromOutside({ from }: Packet, { externalPolicy }: ProxiedPort): Way {
  if (externalPolicy === "Cluster") return { policy: "Cluster", masqueraded: true };
  return from === "elsewhere" ? { policy: "Local", masqueraded: false } : { policy: "Cluster", masqueraded: from === "node" };
}
