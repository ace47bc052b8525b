/* Pod addresses of one node. Round-robin from the last one given, as CNI's host-local does, so that a pod which restarts in a loop
 * doesn't get the address that others still remember; and an address rests before it is given again. Pure: state in, state out. */

import { addressAt, type Cidr, cidrContains, formatCidr, sizeOf } from "#core/cidr.ts";
import { AppError } from "#core/errors.ts";
import type { Ipv4 } from "#core/ipv4.ts";

export const restMs = 30_000;

export interface AddressState {
  readonly last: Ipv4 | undefined;
  /** When each address that is free again was given back, in wall-clock milliseconds. */
  readonly releasedAtMs: ReadonlyMap<Ipv4, number>;
}

export interface AddressRequest {
  readonly podCidrs: readonly Cidr[];
  readonly inUse: ReadonlySet<Ipv4>;
  readonly nowMs: number;
}

export const noAddresses: AddressState = { last: undefined, releasedAtMs: new Map() };

/** "exhausted" where every address is in use or rests. */
export function takeAddress(
  state: AddressState,
  { podCidrs, inUse, nowMs }: AddressRequest,
): { address: Ipv4; state: AddressState } {
  const releasedAtMs = new Map([...state.releasedAtMs].filter(([, releasedMs]) => nowMs - releasedMs < restMs));
  const usable = podCidrs.flatMap((block) => usableOffsets(block).map((offset) => addressAt(block, offset)));
  const start = state.last === undefined ? 0 : usable.indexOf(state.last) + 1;
  for (let step = 0; step < usable.length; step++) {
    const address = usable[(start + step) % usable.length] as Ipv4;
    if (!inUse.has(address) && !releasedAtMs.has(address)) return { address, state: { last: address, releasedAtMs } };
  }
  const where = podCidrs.map(formatCidr).join(", ") || "no pod CIDR";
  const resting = releasedAtMs.size === 0 ? "" : `, ${releasedAtMs.size} rest for ${restMs / 1000} s after their pods went`;
  throw new AppError("exhausted", `no pod address is free in ${where}: ${inUse.size} are in use${resting}`);
}

export function releaseAddress(state: AddressState, address: Ipv4, nowMs: number): AddressState {
  return { last: state.last, releasedAtMs: new Map([...state.releasedAtMs, [address, nowMs]]) };
}

/** Without the network's own address, the first after it (a gateway by custom) and the last (a broadcast address elsewhere). */
function usableOffsets(block: Cidr): number[] {
  const size = sizeOf(block);
  return size < 4 ? Array.from({ length: size }, (_, i) => i) : Array.from({ length: size - 3 }, (_, i) => i + 2);
}

/** Whether a pod may keep `address` under these blocks. */
export function isOwnAddress(podCidrs: readonly Cidr[], address: Ipv4): boolean {
  return podCidrs.some((block) => cidrContains(block, address));
}
