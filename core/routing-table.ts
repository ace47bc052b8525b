/* Where a packet goes: the longest prefix that holds its destination. One hash look-up for each length of prefix that is in
 * use, and clusters use two (/24 and /32), so it costs the same with three peers and with three thousand. */

import { type Cidr, maskOf } from "./cidr.ts";
import type { Ipv4 } from "./ipv4.ts";

export interface Route<T> {
  readonly cidr: Cidr;
  readonly target: T;
}

export interface RoutingTable<T> {
  lookup(destination: Ipv4): T | undefined;
}

/** Of two routes for the same block the first counts. */
export function createRoutingTable<T>(routes: Iterable<Route<T>>): RoutingTable<T> {
  const byPrefix = new Map<number, Map<number, T>>();
  for (const { cidr, target } of routes) {
    let blocks = byPrefix.get(cidr.prefix);
    if (blocks === undefined) {
      blocks = new Map();
      byPrefix.set(cidr.prefix, blocks);
    }
    // Signed keys: V8 holds 32-bit signed integers in place, where it would box an unsigned one at each look-up.
    const key = cidr.base | 0;
    if (!blocks.has(key)) blocks.set(key, target);
  }
  const levels = [...byPrefix].sort(([a], [b]) => b - a).map(([prefix, blocks]) => ({ mask: maskOf(prefix) | 0, blocks }));
  return {
    lookup(destination) {
      for (const { mask, blocks } of levels) {
        const target = blocks.get(destination & mask);
        if (target !== undefined) return target;
      }
      return undefined;
    },
  };
}

/** A block of one address. */
export function hostRoute(address: Ipv4): Cidr {
  return { base: address, prefix: 32 };
}
