/* IPv4 blocks: RFC 4632 prefixes as a base address and a length, compared by arithmetic and never as text. */

import { AppError, assert, invalid } from "./errors.ts";
import { addToIpv4, formatIpv4, type Ipv4, parseIpv4 } from "./ipv4.ts";

export interface Cidr {
  /** The first address; its bits past `prefix` are 0. */
  readonly base: Ipv4;
  /** 0 to 32. */
  readonly prefix: number;
}

/** Reads `10.244.0.0/16`. Host bits that are set are refused, with the block that was probably meant. */
export function parseCidr(text: string): Cidr {
  const [address, length, ...rest] = text.split("/");
  if (address === undefined || length === undefined || rest.length > 0 || !/^(0|[1-9][0-9]?)$/.test(length)) {
    throw invalid(`"${text}" is not a CIDR (want ADDRESS/LENGTH, such as 10.244.0.0/16)`);
  }
  const prefix = Number(length);
  if (prefix > 32) throw invalid(`"${text}" is not a CIDR: the length is at most 32`);
  const base = parseIpv4(address);
  const block = blockOf(base, prefix);
  if (block.base !== base) throw invalid(`"${text}" has host bits set: did you mean ${formatCidr(block)}?`);
  return block;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIpv4(cidr.base)}/${cidr.prefix}`;
}

/** The block of that length that holds `address`. */
export function blockOf(address: Ipv4, prefix: number): Cidr {
  assert(prefix >= 0 && prefix <= 32, `prefix ${prefix}`);
  return { base: ((address & maskOf(prefix)) >>> 0) as Ipv4, prefix };
}

/** 0xffff0000 for 16. */
export function maskOf(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}

export function sizeOf(cidr: Cidr): number {
  return 2 ** (32 - cidr.prefix);
}

export function cidrContains(cidr: Cidr, address: Ipv4): boolean {
  return (address & maskOf(cidr.prefix)) >>> 0 === cidr.base;
}

export function cidrsOverlap(a: Cidr, b: Cidr): boolean {
  return a.prefix <= b.prefix ? cidrContains(a, b.base) : cidrContains(b, a.base);
}

/** The address at `offset` from the block's first. */
export function addressAt(cidr: Cidr, offset: number): Ipv4 {
  assert(offset >= 0 && offset < sizeOf(cidr), `offset ${offset} in ${formatCidr(cidr)}`);
  return addToIpv4(cidr.base, offset);
}

/** How many blocks of length `prefix` fit into `range`. */
export function subnetCount(range: Cidr, prefix: number): number {
  assert(prefix >= range.prefix && prefix <= 32, `/${prefix} blocks in ${formatCidr(range)}`);
  return 2 ** (prefix - range.prefix);
}

/** The `index`th block of length `prefix` in `range`. */
export function subnetAt(range: Cidr, prefix: number, index: number): Cidr {
  assert(index >= 0 && index < subnetCount(range, prefix), `block ${index} of ${formatCidr(range)}`);
  return { base: addToIpv4(range.base, index * 2 ** (32 - prefix)), prefix };
}

/** Which block of length `prefix` in `range` that is, or undefined where it is none of them. */
export function subnetIndex(range: Cidr, block: Cidr): number | undefined {
  if (block.prefix < range.prefix || !cidrContains(range, block.base)) return undefined;
  return (block.base - range.base) / sizeOf(block);
}

/** Throws where two of the named ranges share an address. */
export function refuseOverlaps(ranges: Readonly<Record<string, Cidr>>): void {
  const named = Object.entries(ranges);
  for (const [i, [nameA, a]] of named.entries()) {
    for (const [nameB, b] of named.slice(i + 1)) {
      if (cidrsOverlap(a, b)) {
        throw new AppError(
          "invalid",
          `${nameA} ${formatCidr(a)} and ${nameB} ${formatCidr(b)} overlap: choose ranges that share no address`,
        );
      }
    }
  }
}
