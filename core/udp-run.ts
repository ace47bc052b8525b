/* Datagrams of one flow that lie one behind the other, joined to a single frame that the kernel cuts up again: UDP segmentation offload
 * done the other way round (Linux: UDP_SEGMENT, udp(7); virtio 1.2, VIRTIO_NET_HDR_GSO_UDP_L4). Only such datagrams are joined as come out
 * again as they went in: of one length, with one header, their checksums still to be filled in. */

import { frameBytesMax, gsoUdp, recordPrefixBytes, udpSegmentsMax, vnetHeaderBytes, writeFrameLength } from "./frames.ts";
import { ipv4HeaderBytesMin, ipv4TotalLength, protocolUdp } from "./packet.ts";

/*
 * As many as a frame may stand for. Of 64 B flooded, in thousands received a second, medians of 21: 16 of them together 169, 32 180, 64 184,
 * 128 199, the kernel's VXLAN 204, each by itself 116. A receiving socket gets a frame's all at once, and its buffer is for two hundred or so:
 * with less than 1 % lost 100 to 170 came through with 128, 144 to 194 with 16, 88 to 119 each by itself, 87 to 144 by VXLAN.
 */
const udpHeaderBytes = 8;
const headerBytes = vnetHeaderBytes + ipv4HeaderBytesMin + udpHeaderBytes;

// The virtio-net header of a datagram without IP options whose checksum is still to be filled in: no gso, checksum of all after the IP header.
const needsChecksum = 1;
const checksumStart = ipv4HeaderBytesMin;
const checksumOffset = 6;

const identificationAt = vnetHeaderBytes + 4;
const fragmentAt = vnetHeaderBytes + 6;
const ipChecksumAt = vnetHeaderBytes + 10;
const sourceAt = vnetHeaderBytes + 12;
const udpAt = vnetHeaderBytes + ipv4HeaderBytesMin;
const udpChecksumAt = udpAt + checksumOffset;
const dontFragment = 0x4000;

/** A run being put together in a buffer. It holds a position and no bytes: whoever moves or sends them closes it first. */
export class UdpRun {
  #bytes: Buffer | undefined;
  #headAt = 0;
  /** Of each datagram's frame. */
  #length = 0;
  #segments = 0;

  /** The frame at `at` (without a problem, see `frameProblem`) is the first of a run, if it can be; the run before it is closed. */
  begin(bytes: Buffer, at: number, length: number): void {
    this.close();
    if (!canBegin(bytes, at, length)) return;
    this.#bytes = bytes;
    this.#headAt = at;
    this.#length = length;
    this.#segments = 1;
  }

  /** Whether the frame at `at`, read to right behind the run's record, is the next of its flow and has room in it. */
  takes(bytes: Buffer, at: number, length: number): boolean {
    if (bytes !== this.#bytes || length !== this.#length || this.#segments >= udpSegmentsMax) return false;
    if (headerBytes + (this.#segments + 1) * (length - headerBytes) > frameBytesMax) return false;
    return this.#isNext(bytes, at);
  }

  /** Moves the payload of the frame at `at` to the run's end. Answers how many bytes that are. */
  append(at: number): number {
    const payload = this.#length - headerBytes;
    this.#bytes?.copyWithin(this.#headAt + headerBytes + this.#segments * payload, at + headerBytes, at + this.#length);
    this.#segments += 1;
    return payload;
  }

  /** Makes the run's first frame stand for all of them, and forgets it. */
  close(): void {
    const bytes = this.#bytes;
    this.#bytes = undefined;
    if (bytes === undefined || this.#segments === 1) return;
    const at = this.#headAt;
    const payload = this.#length - headerBytes;
    const udpLength = udpHeaderBytes + this.#segments * payload;
    writeFrameLength(bytes, at - recordPrefixBytes, headerBytes + this.#segments * payload);
    bytes[at + 1] = gsoUdp;
    bytes.writeUInt16LE(ipv4HeaderBytesMin + udpHeaderBytes, at + 2);
    bytes.writeUInt16LE(payload, at + 4);
    bytes.writeUInt16BE(ipv4HeaderBytesMin + udpLength, at + vnetHeaderBytes + 2);
    bytes.writeUInt16BE(0, at + ipChecksumAt);
    bytes.writeUInt16BE(~sumOf(bytes, at + vnetHeaderBytes, ipv4HeaderBytesMin, 0) & 0xffff, at + ipChecksumAt);
    bytes.writeUInt16BE(udpLength, at + udpAt + 4);
    // What is there to begin with when the rest is filled in: the sum of the pseudo-header (RFC 768), as it is.
    bytes.writeUInt16BE(sumOf(bytes, at + sourceAt, 8, protocolUdp + udpLength), at + udpChecksumAt);
  }

  #isNext(bytes: Buffer, at: number): boolean {
    const head = this.#headAt;
    // All of both headers but the identification and the two checksums, of which the kernel's is only the pseudo-header's sum.
    if (!equal(bytes, head, at, 0, identificationAt)) return false;
    if (!equal(bytes, head, at, fragmentAt, ipChecksumAt)) return false;
    if (!equal(bytes, head, at, sourceAt, udpChecksumAt)) return false;
    // Numbered on by whoever cuts the frame up; without DF the number says which fragments belong together (RFC 6864).
    if ((u16(bytes, at + fragmentAt) & dontFragment) !== 0) return true;
    return u16(bytes, at + identificationAt) === ((u16(bytes, head + identificationAt) + this.#segments) & 0xffff);
  }
}

function canBegin(bytes: Buffer, at: number, length: number): boolean {
  return (
    length > headerBytes &&
    bytes[at] === needsChecksum &&
    bytes[at + 1] === 0 &&
    bytes.readUInt16LE(at + 6) === checksumStart &&
    bytes.readUInt16LE(at + 8) === checksumOffset &&
    bytes[at + vnetHeaderBytes] === 0x45 &&
    (u16(bytes, at + fragmentAt) & ~dontFragment) === 0 &&
    bytes[at + vnetHeaderBytes + 9] === protocolUdp &&
    u16(bytes, at + udpAt + 4) === ipv4TotalLength(bytes, at + vnetHeaderBytes) - ipv4HeaderBytesMin
  );
}

function equal(bytes: Buffer, a: number, b: number, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

/** The ones' complement sum of `length` bytes, which is even, and `more` (RFC 1071). */
function sumOf(bytes: Buffer, at: number, length: number, more: number): number {
  let sum = more;
  for (let i = at; i < at + length; i += 2) sum += u16(bytes, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** In network order. */
function u16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
