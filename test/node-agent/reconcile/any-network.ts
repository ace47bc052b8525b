/* Networks by chance: what a node may want, and what it may find. All small, so that they meet. */

import fc from "fast-check";
import { addressAt, type Cidr, parseCidr } from "#core/cidr.ts";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import type { HostPort, NetworkState, PodLink } from "#kernel/network.ts";
import { type WantedNetwork, wantedNetwork } from "../../../node-agent/reconcile/wanted-network.ts";

export const nodeAddress = parseIpv4("192.168.0.1");
export const podRange = parseCidr("10.244.0.0/16");
export const serviceRange = parseCidr("10.96.0.0/16");
export const balancerRange = parseCidr("10.97.0.0/24");
const blocks: readonly Cidr[] = [parseCidr("10.244.1.0/24"), parseCidr("10.244.2.0/24")];

/** Pods by number: pod 3 has the address x.x.x.5 of its block. */
function linkOf(number: number, block: Cidr, netnsPrefix: string): PodLink {
  const hostPorts: readonly HostPort[] = [
    { protocol: "tcp", port: 8_000 + (number % 2), containerPort: 80 },
    { protocol: "udp", port: 8_000, containerPort: 53, ...(number % 2 === 0 ? {} : { hostAddress: nodeAddress }) },
  ];
  const link = { netns: `${netnsPrefix}pod-${number}`, device: `pwpod${number}`, address: addressAt(block, number + 2) };
  return number === 0 ? link : { ...link, hostPorts };
}

/** Makes a wanted network on a host whose pods' namespaces begin with the argument. */
export const anyWanted: fc.Arbitrary<(netnsPrefix: string) => WantedNetwork> = fc
  .record({
    podCidrs: fc.subarray([...blocks]),
    podRange: fc.constantFrom(podRange, parseCidr("10.240.0.0/12")),
    peers: fc.uniqueArray(fc.integer({ min: 2, max: 5 }), { maxLength: 3 }),
    pods: fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(...blocks)), {
      maxLength: 4,
      selector: ([number]) => number,
    }),
  })
  .map(
    ({ podCidrs, podRange, peers, pods }) =>
      (netnsPrefix) =>
        wantedNetwork(
          { nodeAddress, podRange, serviceRange, balancerRange, podCidrs, peerAddresses: peers.map(peerAddress) },
          pods.map(([number, block]) => linkOf(number, block, netnsPrefix)),
        ),
  );

export function peerAddress(number: number): Ipv4 {
  return addressAt(parseCidr("192.168.0.0/24"), number);
}

/** The same state in one order, for comparing. */
export function sortedState(state: NetworkState): NetworkState {
  const sorted = <T>(items: readonly T[]): T[] => items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return {
    ...state,
    routes: sorted(state.routes),
    rules: sorted(state.rules),
    devices: sorted(state.devices),
    netns: sorted(state.netns),
    elements: sorted(state.elements),
  };
}
