/* The parts of the range of Services' addresses, and of the range of node ports, that have a meaning. */

import { addressAt, type Cidr, sizeOf } from "../cidr.ts";
import type { Ipv4 } from "../ipv4.ts";

/** Names end in it. */
export const clusterDomain = "cluster.local";

export const nodePortRange = { min: 30_000, max: 32_767 } as const;

/** The Service `kubernetes`. */
export function apiAddress(range: Cidr): Ipv4 {
  return addressAt(range, 1);
}

/** The cluster's name server. */
export function dnsAddress(range: Cidr): Ipv4 {
  return addressAt(range, 10);
}

/** How many addresses at the beginning are left to those who choose one themselves: KEP-3070. */
export function staticAddressCount(range: Cidr): number {
  const size = sizeOf(range);
  return Math.min(Math.max(16, Math.floor(size / 16)), 256, size);
}

/** The same of node ports: KEP-3668. */
export function staticNodePortCount({ min, max }: { readonly min: number; readonly max: number }): number {
  const size = max - min + 1;
  return Math.min(Math.max(16, Math.floor(size / 32)), 128, size);
}
