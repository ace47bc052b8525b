import assert from "node:assert/strict";
import fc from "fast-check";
import { frameLengthAt, frameProblem, gsoTypeSet, packetCount, recordPrefixBytes } from "#core/frames.ts";
import { UdpRun } from "#core/udp-run.ts";
import { checksumOf, frame, ipv4Packet, record, type VnetHeader } from "../support/packets.ts";

interface Datagram {
  readonly fromPort: number;
  readonly payload: Buffer;
  /** Of the IP header, without the DF bit in the second. */
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly ttl: number;
}

const header: VnetHeader = { flags: 1, checksumStart: 20, checksumOffset: 6 };
const ends = { from: "10.244.1.2", to: "10.244.2.2", protocol: 17 };
const plain: Datagram = { fromPort: 4000, payload: Buffer.alloc(64), identification: 0, dontFragment: true, ttl: 64 };

function frameOf({ fromPort, payload, identification, dontFragment, ttl }: Datagram, vnet = header): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(fromPort, 0);
  udp.writeUInt16BE(53, 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  const packet = ipv4Packet({ ...ends, payload: Buffer.concat([udp, payload]) });
  packet.writeUInt16BE(identification, 4);
  packet.writeUInt16BE(dontFragment ? 0x4000 : 0, 6);
  packet[8] = ttl;
  writeChecksums(packet);
  return frame(packet, vnet);
}

/** The IP header's, and in UDP's place the pseudo-header's sum, as a kernel leaves it (Linux: CHECKSUM_PARTIAL). */
function writeChecksums(packet: Buffer): void {
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(checksumOf(packet.subarray(0, 20)), 10);
  const pseudo = Buffer.alloc(12);
  packet.copy(pseudo, 0, 12, 20);
  pseudo[9] = 17;
  packet.copy(pseudo, 10, 24, 26);
  packet.writeUInt16BE(~checksumOf(pseudo) & 0xffff, 26);
}

/** As the overlay's sender does it: each frame is read to behind the last record. Answers the frames that came of it. */
function run(frames: readonly Buffer[]): Buffer[] {
  const bytes = Buffer.alloc(frames.reduce((sum, { length }) => sum + recordPrefixBytes + length, 0));
  const udpRun = new UdpRun();
  let end = 0;
  for (const each of frames) {
    const at = end + recordPrefixBytes;
    each.copy(bytes, at);
    if (udpRun.takes(bytes, at, each.length)) {
      end += udpRun.append(at);
      continue;
    }
    record(each).copy(bytes, end);
    udpRun.begin(bytes, at, each.length);
    end = at + each.length;
  }
  udpRun.close();
  const joined: Buffer[] = [];
  for (let at = 0; at < end; ) {
    const length = frameLengthAt(bytes, at, end);
    assert.ok(length > 0, `a record at ${at}`);
    joined.push(Buffer.from(bytes.subarray(at + recordPrefixBytes, at + recordPrefixBytes + length)));
    at += recordPrefixBytes + length;
  }
  return joined;
}

/** As Linux cuts up a frame (net/ipv4/udp_offload.c): the headers for each, its own lengths and checksums, identifications counted on. */
function cut(joined: Buffer): Buffer[] {
  if (joined[1] === 0) return [joined];
  const size = joined.readUInt16LE(4);
  const headers = joined.subarray(10, 38);
  const all = joined.subarray(38);
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const payload = all.subarray(i * size, (i + 1) * size);
    const packet = Buffer.concat([headers, payload]);
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE((headers.readUInt16BE(4) + i) & 0xffff, 4);
    packet.writeUInt16BE(8 + payload.length, 24);
    writeChecksums(packet);
    return frame(packet, header);
  });
}

/** What nobody may rely on where DF is set (RFC 6864). */
function withoutIdentification(each: Buffer): Buffer {
  const copy = Buffer.from(each);
  if ((copy.readUInt16BE(16) & 0x4000) === 0) return copy;
  copy.writeUInt16BE(0, 14);
  copy.writeUInt16BE(0, 20);
  return copy;
}

describe("datagrams joined to one frame", () => {
  const identifications = { counted: (i: number) => 0xfffe + i, random: (i: number) => (i * 40_503) & 0xffff, zero: () => 0 };
  const datagram = fc.record({
    fromPort: fc.constantFrom(4000, 4000, 4000, 4001),
    size: fc.constantFrom(1, 64, 64, 64, 1400),
    dontFragment: fc.constantFrom(true, true, false),
    ttl: fc.constantFrom(64, 64, 64, 63),
    count: fc.integer({ min: 1, max: 150 }),
  });

  for (const [name, identify] of Object.entries(identifications)) {
    it(`are cut up again to what they were, identifications ${name}`, () => {
      fc.assert(
        fc.property(fc.array(datagram, { minLength: 1, maxLength: 8 }), (runs) => {
          let number = 0;
          const frames = runs.flatMap(({ count, size, ...rest }) =>
            Array.from({ length: count }, () => {
              number += 1;
              return frameOf({ ...rest, payload: Buffer.alloc(size, number), identification: identify(number) & 0xffff });
            }),
          );
          const joined = run(frames);
          for (const each of joined) assert.equal(frameProblem(each, 0, each.length, gsoTypeSet(["udp"])), undefined);
          const packets = joined.reduce((sum, each) => sum + packetCount(each, 0, each.length), 0);
          assert.equal(packets, frames.length);
          assert.deepEqual(joined.flatMap(cut).map(withoutIdentification), frames.map(withoutIdentification));
        }),
        { numRuns: 40 },
      );
    });
  }

  const many = (each: Partial<Datagram>, count: number) => Array.from({ length: count }, () => frameOf({ ...plain, ...each }));

  it("are 128 at most", () => {
    assert.deepEqual(
      run(many({}, 300)).map((each) => packetCount(each, 0, each.length)),
      [128, 128, 44],
    );
  });

  it("are no longer together than a packet may be", () => {
    assert.deepEqual(
      run(many({ payload: Buffer.alloc(9_000) }, 10)).map((each) => packetCount(each, 0, each.length)),
      [7, 3],
    );
  });

  const apart = [
    { what: "of two ports", frames: [frameOf(plain), frameOf({ ...plain, fromPort: 4001 })] },
    { what: "of two lengths", frames: [frameOf(plain), frameOf({ ...plain, payload: Buffer.alloc(65) })] },
    { what: "with two TTLs", frames: [frameOf(plain), frameOf({ ...plain, ttl: 63 })] },
    { what: "one of which may be fragmented", frames: [frameOf(plain), frameOf({ ...plain, dontFragment: false })] },
    { what: "that may be fragmented and whose numbers don't follow", frames: many({ dontFragment: false }, 2) },
    { what: "without payload", frames: many({ payload: Buffer.alloc(0) }, 2) },
    { what: "whose checksums are complete", frames: [1, 2].map(() => frameOf(plain, {})) },
    { what: "that stand for many already", frames: [1, 2].map(() => frameOf(plain, { ...header, gsoType: 5, gsoSize: 32 })) },
  ];
  for (const { what, frames } of apart) it(`are none ${what}`, () => assert.deepEqual(run(frames), frames));

  for (const [what, change] of [
    ["fragments", (bytes: Buffer) => bytes.writeUInt16BE(0x2000, 16)],
    ["of another protocol", (bytes: Buffer) => bytes.writeUInt8(136, 19)],
    ["with a UDP length that is not the packet's", (bytes: Buffer) => bytes.writeUInt16BE(70, 34)],
    ["with IP options", (bytes: Buffer) => bytes.writeUInt8(0x46, 10)],
  ] as const) {
    it(`are none ${what}`, () => {
      const frames = many({}, 2);
      for (const each of frames) change(each);
      assert.deepEqual(run(frames), frames);
    });
  }
});
