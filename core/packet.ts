/* A look at an IP packet's header where it lies, without an object for it: this runs once for every frame. */

import type { Ipv4 } from "./ipv4.ts";

export const ipv4HeaderBytesMin = 20;
export const protocolTcp = 6;
export const protocolUdp = 17;

/** 4, 6, or what else the first four bits say. */
export function ipVersion(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) >>> 4;
}

/** In bytes: 20 to 60 where the header is right. */
export function ipv4HeaderLength(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at) & 15) * 4;
}

/** Header and payload, in bytes. */
export function ipv4TotalLength(bytes: Uint8Array, at: number): number {
  return (byte(bytes, at + 2) << 8) | byte(bytes, at + 3);
}

export function ipv4Protocol(bytes: Uint8Array, at: number): number {
  return byte(bytes, at + 9);
}

export function ipv4Source(bytes: Uint8Array, at: number): Ipv4 {
  return addressAt(bytes, at + 12);
}

export function ipv4Destination(bytes: Uint8Array, at: number): Ipv4 {
  return addressAt(bytes, at + 16);
}

function addressAt(bytes: Uint8Array, at: number): Ipv4 {
  return (((byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)) >>>
    0) as Ipv4;
}

/** Past the end a byte reads as 0: callers check lengths first, and these stay total. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
