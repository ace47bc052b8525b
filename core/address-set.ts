/* Which addresses belong to somebody. A node has one block or a few, so a loop beats a table. */

import { type Cidr, maskOf } from "./cidr.ts";
import type { Ipv4 } from "./ipv4.ts";

export interface AddressSet {
  contains(address: Ipv4): boolean;
}

export function createAddressSet(cidrs: readonly Cidr[]): AddressSet {
  const bases = cidrs.map((cidr) => cidr.base | 0);
  const masks = cidrs.map((cidr) => maskOf(cidr.prefix) | 0);
  return {
    contains(address) {
      for (let i = 0; i < bases.length; i++) {
        if ((address & (masks[i] ?? 0)) === bases[i]) return true;
      }
      return false;
    },
  };
}
