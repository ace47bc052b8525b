/* This node's pod addresses: who has which, and which rest. Kept on disk, so that a new agent goes on where the old one was. */

import type { Cidr } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import type { Ipv4 } from "#core/ipv4.ts";
import { isOwnAddress, releaseAddress, takeAddress } from "./addresses.ts";
import type { PodRecords } from "./records.ts";

export interface AddressPool {
  setPodCidrs(podCidrs: readonly Cidr[]): void;
  /** An address for the pod; "exhausted" where none is free. */
  take(uid: string): Ipv4;
  release(uid: string): void;
  /** Whether the node still has the block that an address is from. */
  owns(address: Ipv4): boolean;
}

export function createAddressPool(records: PodRecords, clock: Clock): AddressPool {
  const held = new Map(records.load().flatMap(({ uid, address }) => (address === undefined ? [] : [[uid, address] as const])));
  let state = records.loadAddresses();
  let podCidrs: readonly Cidr[] = [];
  return {
    setPodCidrs(next) {
      podCidrs = next;
    },
    take(uid) {
      const taken = takeAddress(state, { podCidrs, inUse: new Set(held.values()), nowMs: clock.wallMs() });
      state = taken.state;
      records.saveAddresses(state);
      held.set(uid, taken.address);
      return taken.address;
    },
    release(uid) {
      const address = held.get(uid);
      if (address === undefined) return;
      held.delete(uid);
      state = releaseAddress(state, address, clock.wallMs());
      records.saveAddresses(state);
    },
    owns: (address) => isOwnAddress(podCidrs, address),
  };
}
