/* What a tunnel's message is made of: records, each a u32 length (little-endian), a virtio-net header and one IP packet.
 * docs/wire-protocol.md is the specification. A frame is what the length counts: header and packet, as the TUN has it.
 *
 * All functions are total: on any bytes they answer, in time bounded by the message's length, and never throw. They take a
 * buffer and an offset and make no objects, because they run once for every frame. */

import {
  ipVersion,
  ipv4HeaderBytesMin,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  protocolTcp,
  protocolUdp,
} from "./packet.ts";

/** The length before each frame. */
export const recordPrefixBytes = 4;
export const vnetHeaderBytes = 10;
const packetBytesMax = 65_535;
export const frameBytesMax = vnetHeaderBytes + packetBytesMax;
export const recordBytesMax = recordPrefixBytes + frameBytesMax;

/** Generic segmentation offload: one packet that stands for many. The names travel in the handshake. */
export const gsoTypes = ["tcp4", "tcp6", "udp"] as const;
export type GsoType = (typeof gsoTypes)[number];

/** Why a frame goes no further. */
export type FrameProblem =
  | "malformed" // shorter than its headers, or its IP length differs from the record's
  | "ipv6" // until dual stack
  | "bad-flags"
  | "bad-gso" // unknown or unwanted type, or sizes that no sender of packets would choose
  | "bad-checksum-range";

const flagNeedsChecksum = 1;
const flagDataValid = 2;
const gsoNone = 0;
const gsoTcp4 = 1;
const gsoTcp6 = 4;
/** The header's gso_type of a frame that stands for many datagrams. */
export const gsoUdp = 5;

// Linux never makes TCP segments of less payload (TCP_MIN_SND_MSS); what is smaller is meant to make the receiver work.
const tcpSegmentBytesMin = 48;
// Linux's UDP_MAX_SEGMENTS.
export const udpSegmentsMax = 128;
const tcpHeaderBytesMin = 20;
const udpHeaderBytes = 8;

/** The length of the frame whose record starts at `at` in a message that ends at `end`, or -1 where no whole record is there. */
export function frameLengthAt(message: Uint8Array, at: number, end: number): number {
  if (end - at < recordPrefixBytes + vnetHeaderBytes + 1) return -1;
  const length =
    (byte(message, at) | (byte(message, at + 1) << 8) | (byte(message, at + 2) << 16) | (byte(message, at + 3) << 24)) >>> 0;
  if (length <= vnetHeaderBytes || length > frameBytesMax) return -1;
  return length <= end - at - recordPrefixBytes ? length : -1;
}

export function writeFrameLength(message: Uint8Array, at: number, length: number): void {
  message[at] = length & 255;
  message[at + 1] = (length >>> 8) & 255;
  message[at + 2] = (length >>> 16) & 255;
  message[at + 3] = length >>> 24;
}

/** What is wrong with the frame of `length` bytes at `at` for a receiver that takes the gso types `accepted`, or undefined. */
export function frameProblem(bytes: Uint8Array, at: number, length: number, accepted: GsoTypeSet): FrameProblem | undefined {
  const packetAt = at + vnetHeaderBytes;
  const packetLength = length - vnetHeaderBytes;
  if (packetLength < 1) return "malformed";
  const version = ipVersion(bytes, packetAt);
  if (version === 6) return "ipv6";
  if (version !== 4 || packetLength < ipv4HeaderBytesMin) return "malformed";
  const ipHeaderLength = ipv4HeaderLength(bytes, packetAt);
  if (ipHeaderLength < ipv4HeaderBytesMin || ipHeaderLength > packetLength) return "malformed";
  if (ipv4TotalLength(bytes, packetAt) !== packetLength) return "malformed";

  const flags = byte(bytes, at);
  if ((flags & ~(flagNeedsChecksum | flagDataValid)) !== 0) return "bad-flags";
  const headerLength = u16(bytes, at + 2);
  if (headerLength > packetLength) return "bad-gso";
  if ((flags & flagNeedsChecksum) !== 0) {
    const start = u16(bytes, at + 6);
    const end = start + u16(bytes, at + 8) + 2;
    if (start < ipHeaderLength || end > packetLength) return "bad-checksum-range";
  }
  const gso = byte(bytes, at + 1);
  if (gso === gsoNone) return undefined;
  if ((accepted & bitOfWireType(gso)) === 0 || (flags & flagNeedsChecksum) === 0) return "bad-gso";
  const segmentBytes = u16(bytes, at + 4);
  const protocol = ipv4Protocol(bytes, packetAt);
  if (gso === gsoTcp4) {
    if (protocol !== protocolTcp || segmentBytes < tcpSegmentBytesMin) return "bad-gso";
    return headerLength < ipHeaderLength + tcpHeaderBytesMin ? "bad-gso" : undefined;
  }
  if (gso === gsoUdp) {
    if (protocol !== protocolUdp || segmentBytes < 1) return "bad-gso";
    const headersLength = ipHeaderLength + udpHeaderBytes;
    if (headerLength < headersLength || packetLength - headersLength > segmentBytes * udpSegmentsMax) return "bad-gso";
    return undefined;
  }
  // An IPv4 packet of the type for TCP over IPv6.
  return "bad-gso";
}

/** How many packets the frame at `at` is for whoever has to cut it up; 1 for most. The frame must be without a problem. */
export function packetCount(bytes: Uint8Array, at: number, length: number): number {
  const gso = byte(bytes, at + 1);
  const segmentBytes = u16(bytes, at + 4);
  if (gso === gsoNone || segmentBytes === 0) return 1;
  const packetAt = at + vnetHeaderBytes;
  const ipHeaderLength = ipv4HeaderLength(bytes, packetAt);
  // The header's hdr_len is only a hint of how much lies together: TCP itself says where its payload begins.
  const headerLength = gso === gsoUdp ? udpHeaderBytes : (byte(bytes, packetAt + ipHeaderLength + 12) >>> 4) * 4;
  return Math.max(1, Math.ceil((length - vnetHeaderBytes - ipHeaderLength - headerLength) / segmentBytes));
}

/** Gso types as bits, for a check without a search. */
export type GsoTypeSet = number;

export function gsoTypeSet(types: readonly GsoType[]): GsoTypeSet {
  return types.reduce((set, type) => set | bitOf(type), 0);
}

function bitOf(type: GsoType): number {
  return 1 << gsoTypes.indexOf(type);
}

function bitOfWireType(gso: number): number {
  if (gso === gsoTcp4) return 1;
  if (gso === gsoTcp6) return 2;
  return gso === gsoUdp ? 4 : 0;
}

function u16(bytes: Uint8Array, at: number): number {
  return byte(bytes, at) | (byte(bytes, at + 1) << 8);
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}
