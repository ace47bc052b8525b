/* Records that lie, by the hundred thousand, for what stands between a peer and the kernel. A seed replays a run. What may reach the kernel is
 * said here once more, from virtio's, IP's, TCP's and UDP's specifications and not from our own code. */

import assert from "node:assert/strict";
import { createAddressSet } from "#core/address-set.ts";
import { parseCidr } from "#core/cidr.ts";
import { gsoTypeSet } from "#core/frames.ts";
import { createRng } from "#core/rng.ts";
import { allocateMemory, type Memory } from "#kernel/ffi.ts";
import type { Tun } from "#kernel/tun.ts";
import { emptyTraffic, noReceiveDrops } from "../../node-agent/overlay/counters.ts";
import { createReceiver } from "../../node-agent/overlay/receiver.ts";
import { frame, ipv4Packet, record, tcpSegment } from "./packets.ts";

export interface FuzzResult {
  readonly records: number;
  /** That the kernel was given. */
  readonly delivered: number;
  /** By reason. */
  readonly drops: Readonly<Record<string, number>>;
}

const ends = { from: "10.244.1.2", to: "10.244.2.2" };
const recordsInMessageMax = 6;
/** The virtio-net header and the IP and transport headers, with the record's length before them. */
const headerBytes = 4 + 10 + 20 + 20;
const interesting = [0, 1, 2, 3, 4, 5, 0x0f, 0x10, 0x40, 0x44, 0x45, 0x46, 0x4f, 0x60, 0x7f, 0x80, 0xff];

const templates: readonly Buffer[] = [
  frame(ipv4Packet(ends)),
  frame(ipv4Packet({ ...ends, protocol: 17, payload: Buffer.alloc(8 + 64) }), {
    flags: 1,
    headerLength: 28,
    checksumStart: 20,
    checksumOffset: 6,
  }),
  ...[1, 4].map((gsoType) =>
    frame(ipv4Packet({ ...ends, protocol: 6, payload: tcpSegment(2_000) }), {
      ...{ flags: 1, gsoType, headerLength: 40, gsoSize: 1_360, checksumStart: 20, checksumOffset: 16 },
    }),
  ),
  frame(ipv4Packet({ ...ends, protocol: 17, payload: Buffer.alloc(8 + 2_000) }), {
    ...{ flags: 1, gsoType: 5, headerLength: 28, gsoSize: 1_000, checksumStart: 20, checksumOffset: 6 },
  }),
].map((bytes) => record(bytes));

/** Throws where a frame gets through that should not, or one is neither delivered nor counted. */
export function fuzzReceiver({ records, seed }: { readonly records: number; readonly seed: number }): FuzzResult {
  const rng = createRng(seed);
  const below = (count: number) => Math.floor(rng.next() * count);
  const memory = allocateMemory(recordsInMessageMax * 4_096);
  const { bytes } = memory;
  let delivered = 0;
  const tun = {
    write(given: Memory, at: number, length: number) {
      delivered += 1;
      const problem = kernelsProblem(given.bytes, at, length);
      assert.equal(problem, undefined, `seed ${seed}: ${given.bytes.toString("hex", at, at + headerBytes)}`);
      return true;
    },
  } as Pick<Tun, "write"> as Tun;
  const own = createAddressSet([parseCidr("10.244.2.0/24")]);
  const receive = createReceiver({ tun, accepted: gsoTypeSet(["tcp4", "udp"]), own: () => own });
  const sender = {
    sources: createAddressSet([parseCidr("10.244.1.0/24")]),
    received: emptyTraffic(),
    receiveDrops: noReceiveDrops(),
  };
  const countDrops = () => Object.values(sender.receiveDrops).reduce((sum, count) => sum + count, 0);

  let made = 0;
  while (made < records) {
    let end = 0;
    let liesOfLength = false;
    const count = 1 + below(recordsInMessageMax);
    for (let i = 0; i < count; i++) {
      const template = templates[below(templates.length)] ?? Buffer.alloc(0);
      template.copy(bytes, end);
      for (let edits = below(4); edits > 0; edits--) {
        const at = below(headerBytes);
        liesOfLength ||= at < 4;
        bytes[end + at] = below(2) === 0 ? (interesting[below(interesting.length)] ?? 0) : below(256);
      }
      end += template.length;
    }
    if (below(8) === 0) {
      end -= 1 + below(Math.min(end - 1, 64));
      liesOfLength = true;
    }
    const before = delivered + countDrops();
    receive(sender, memory, 0, end);
    const counted = delivered + countDrops() - before;
    // Where no length lies, each record is one; else nobody can say how many there are, and there is one at least.
    if (liesOfLength) assert.ok(counted >= 1, `seed ${seed}: a message went uncounted`);
    else assert.equal(counted, count, `seed ${seed}: of ${count} records`);
    made += count;
  }
  assert.equal(sender.received.frames, delivered);
  return { records: made, delivered, drops: { ...sender.receiveDrops } };
}

/** Why no kernel should be given it. */
function kernelsProblem(message: Buffer, at: number, length: number): string | undefined {
  const header = new DataView(message.buffer, message.byteOffset + at, 10);
  const packet = new DataView(message.buffer, message.byteOffset + at + 10, length - 10);
  const [flags, gso] = [header.getUint8(0), header.getUint8(1)];
  const [headers, segment] = [header.getUint16(2, true), header.getUint16(4, true)];
  const [start, offset] = [header.getUint16(6, true), header.getUint16(8, true)];
  if (packet.byteLength < 20 || packet.getUint8(0) >> 4 !== 4) return "no IPv4";
  const ipBytes = (packet.getUint8(0) & 15) * 4;
  if (ipBytes < 20 || ipBytes > packet.byteLength) return "its IP header's length";
  if (packet.getUint16(2) !== packet.byteLength) return "its IP length";
  if (packet.getUint32(12) >>> 8 !== 0x0af401) return "its source";
  if (packet.getUint32(16) >>> 8 !== 0x0af402) return "its destination";
  if (flags > 3) return "its flags";
  if (headers > packet.byteLength) return "its hdr_len";
  if ((flags & 1) === 1 && (start < ipBytes || start + offset + 2 > packet.byteLength)) return "where its checksum is";
  if (gso === 0) return undefined;
  if ((flags & 1) === 0) return "segments without checksums";
  const protocol = packet.getUint8(9);
  if (gso === 1) return protocol !== 6 || segment < 48 || headers < ipBytes + 20 ? "its TCP segments" : undefined;
  if (gso !== 5) return "its gso type";
  const payload = packet.byteLength - ipBytes - 8;
  return protocol !== 17 || segment === 0 || headers < ipBytes + 8 || payload > 128 * segment ? "its UDP segments" : undefined;
}
