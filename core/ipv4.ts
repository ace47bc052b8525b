/* IPv4 addresses as unsigned 32-bit numbers. Only `parseIpv4` and `readIpv4` make one from text, so whoever holds an Ipv4 need not
 * check it again. */

import { assert, invalid } from "./errors.ts";

declare const ipv4: unique symbol;
/** An address in host byte order: 10.0.0.1 is 0x0a000001. */
export type Ipv4 = number & { readonly [ipv4]: true };

/** Reads dotted-quad text. Leading zeros are refused, since readers disagree on them (CVE-2021-29923). */
export function parseIpv4(text: string): Ipv4 {
  const address = readIpv4(text);
  if (address === undefined) throw notAnAddress(text);
  return address;
}

/** As `parseIpv4`, and undefined where the text is no address. */
export function readIpv4(text: string): Ipv4 | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value as Ipv4;
}

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The address `offset` steps further; leaving the 32 bits is a programmer's mistake. */
export function addToIpv4(address: Ipv4, offset: number): Ipv4 {
  const sum = address + offset;
  assert(Number.isInteger(sum) && sum >= 0 && sum <= 0xffffffff, `${formatIpv4(address)} + ${offset} is no address`);
  return sum as Ipv4;
}

/** A number that a packet's header held. */
export function ipv4FromBits(bits: number): Ipv4 {
  return (bits >>> 0) as Ipv4;
}

function notAnAddress(text: string): Error {
  return invalid(`"${text}" is not an IPv4 address (want four numbers from 0 to 255, such as 10.244.0.1)`);
}
