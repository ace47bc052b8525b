/* Packets and records for tests, made by hand from the formats' specifications and not with the code under test. */

import { parseIpv4 } from "#core/ipv4.ts";

export interface PacketOptions {
  readonly from: string;
  readonly to: string;
  readonly protocol?: number;
  /** After the IP header. */
  readonly payload?: Buffer;
}

/** An IPv4 packet without options. */
export function ipv4Packet({ from, to, protocol = 1, payload = Buffer.alloc(8) }: PacketOptions): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + payload.length, 2);
  header[8] = 64;
  header[9] = protocol;
  header.writeUInt32BE(parseIpv4(from), 12);
  header.writeUInt32BE(parseIpv4(to), 16);
  header.writeUInt16BE(checksumOf(header), 10);
  return Buffer.concat([header, payload]);
}

/** The ones' complement of the ones' complement sum (RFC 1071), for an even number of bytes. */
export function checksumOf(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  return ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
}

/** A UDP datagram without a checksum. */
export function udpDatagram(fromPort: number, toPort: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  header.writeUInt16BE(header.length + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** A TCP header of 20 bytes and so much payload. */
export function tcpSegment(payloadBytes: number): Buffer {
  const segment = Buffer.alloc(20 + payloadBytes);
  segment[12] = 5 << 4;
  return segment;
}

export interface VnetHeader {
  readonly flags?: number;
  readonly gsoType?: number;
  readonly headerLength?: number;
  readonly gsoSize?: number;
  readonly checksumStart?: number;
  readonly checksumOffset?: number;
}

/** The virtio-net header and the packet. */
export function frame(packet: Buffer, header: VnetHeader = {}): Buffer {
  const vnet = Buffer.alloc(10);
  vnet[0] = header.flags ?? 0;
  vnet[1] = header.gsoType ?? 0;
  vnet.writeUInt16LE(header.headerLength ?? 0, 2);
  vnet.writeUInt16LE(header.gsoSize ?? 0, 4);
  vnet.writeUInt16LE(header.checksumStart ?? 0, 6);
  vnet.writeUInt16LE(header.checksumOffset ?? 0, 8);
  return Buffer.concat([vnet, packet]);
}

export function record(frameBytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(frameBytes.length);
  return Buffer.concat([length, frameBytes]);
}
