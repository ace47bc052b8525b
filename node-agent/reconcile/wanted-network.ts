/* What a host's network must look like, from what the session said and the pods that are here. Pure. */

import { type Cidr, cidrContains, formatCidr } from "#core/cidr.ts";
import type { Ipv4 } from "#core/ipv4.ts";
import { dnsAddress } from "#core/services/service-range.ts";
import {
  localTable,
  loopbackName,
  mainTable,
  type PodLink,
  podTable,
  type Route,
  type Rule,
  type RuleBase,
  type SetElement,
  tunName,
  underlayMark,
} from "#kernel/network.ts";

export interface NetworkView {
  readonly nodeAddress: Ipv4;
  /** The ranges of the whole cluster. */
  readonly podRange: Cidr;
  readonly serviceRange: Cidr;
  readonly balancerRange: Cidr;
  /** This node's own blocks. */
  readonly podCidrs: readonly Cidr[];
  readonly peerAddresses: readonly Ipv4[];
}

export interface WantedNetwork {
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly ruleBase: RuleBase;
  readonly elements: readonly SetElement[];
  readonly links: readonly PodLink[];
}

const podRulePriority = 100;
/** Before those of pods. */
const answers: Rule = { priority: 90, mark: underlayMark, table: mainTable };

/**
 * (1) Every pod address of the cluster leads to the tunnel, so that none ever leaves by a default route; the agent drops and counts
 *     what has no peer there. This node's own block is `unreachable` but for the pods that it has: a packet to nobody is answered.
 * (2) Every route that the node itself may use carries `source`: pods must see the node under its one address.
 * (3) Pods reach other nodes' addresses through the tunnel, by a table that only their packets consult: the same route in the main
 *     table would carry the tunnel into itself.
 * (4) What came from the hosts' own network, to a node's port, is answered by it, also where another node asked.
 * (5) A destination has one route, the narrowest meaning's: a block may be the whole pod range, or a single pod's address.
 */
export function wantedNetwork(view: NetworkView, links: readonly PodLink[]): WantedNetwork {
  const { nodeAddress, podRange, serviceRange, balancerRange, podCidrs, peerAddresses } = view;
  const toTun = { device: tunName, source: nodeAddress };
  const held = links.filter(({ address }) => podCidrs.some((block) => cidrContains(block, address)));
  return {
    routes: lastToEach([
      ...[podRange, serviceRange, balancerRange].map((destination): Route => ({ table: mainTable, destination, to: toTun })),
      // This node answers the cluster's DNS address itself.
      {
        ...{ table: localTable, destination: hostCidr(dnsAddress(serviceRange)) },
        to: { device: loopbackName, source: nodeAddress },
      },
      ...podCidrs.map((destination): Route => ({ table: mainTable, destination, to: "unreachable" })),
      ...held.map(
        ({ device, address }): Route => ({
          table: mainTable,
          destination: hostCidr(address),
          to: { device, source: nodeAddress },
        }),
      ),
      ...peerAddresses.map((address): Route => ({ table: podTable, destination: hostCidr(address), to: { device: tunName } })),
    ]),
    rules:
      podCidrs.length === 0 ? [] : [answers, ...podCidrs.map((from) => ({ priority: podRulePriority, from, table: podTable }))],
    ruleBase: { podRange, nodeAddress, dnsAddress: dnsAddress(serviceRange) },
    elements: [
      ...held.map(({ device, address }): SetElement => ({ set: "pods", device, address })),
      ...[nodeAddress, ...peerAddresses].map((address): SetElement => ({ set: "nodes", address })),
      ...hostPortsOf(held),
    ],
    links: held,
  };
}

function lastToEach(routes: readonly Route[]): Route[] {
  return [...new Map(routes.map((route) => [`${route.table} ${formatCidr(route.destination)}`, route])).values()];
}

/** A port that two pods ask for is the first one's: the scheduler lets that happen only where it was told the node's name. */
function hostPortsOf(links: readonly PodLink[]): SetElement[] {
  const taken = new Map<string, SetElement>();
  for (const { address, hostPorts = [] } of links) {
    for (const hostPort of hostPorts) {
      const key = `${hostPort.hostAddress} ${hostPort.protocol} ${hostPort.port}`;
      if (!taken.has(key)) taken.set(key, { set: "hostPorts", address, ...hostPort });
    }
  }
  return [...taken.values()];
}

function hostCidr(address: Ipv4): Cidr {
  return { base: address, prefix: 32 };
}
