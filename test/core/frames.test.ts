import assert from "node:assert/strict";
import fc from "fast-check";
import {
  frameBytesMax,
  frameLengthAt,
  frameProblem,
  gsoTypeSet,
  gsoTypes,
  packetCount,
  recordPrefixBytes,
  vnetHeaderBytes,
  writeFrameLength,
} from "#core/frames.ts";
import { frame, ipv4Packet, record, tcpSegment, type VnetHeader } from "../support/packets.ts";

const all = gsoTypeSet(gsoTypes);
const ends = { from: "10.244.1.2", to: "10.244.2.2" };
const problemOf = (bytes: Buffer, accepted = all) => frameProblem(bytes, 0, bytes.length, accepted);

describe("records", () => {
  it("carry their length as four bytes, the lowest first, counting header and packet", () => {
    const message = Buffer.alloc(4);
    writeFrameLength(message, 0, 0x00010203);
    assert.deepEqual([...message], [3, 2, 1, 0]);
    const packet = frame(ipv4Packet(ends));
    assert.equal(frameLengthAt(record(packet), 0, 4 + packet.length), packet.length);
  });

  const whole = record(frame(ipv4Packet(ends)));
  const lengthOf = (length: number) => {
    const message = Buffer.alloc(frameBytesMax + 100);
    message.writeUInt32LE(length);
    return frameLengthAt(message, 0, message.length);
  };
  const cases = [
    { what: "nothing", read: () => frameLengthAt(whole, 0, 0) },
    { what: "half a length", read: () => frameLengthAt(whole, 0, 2) },
    { what: "a record that lacks its last byte", read: () => frameLengthAt(whole, 0, whole.length - 1) },
    { what: "a length of 0", read: () => lengthOf(0) },
    { what: "a length without a packet", read: () => lengthOf(vnetHeaderBytes) },
    { what: "a length past the longest packet", read: () => lengthOf(frameBytesMax + 1) },
    { what: "a length that would be negative as a signed number", read: () => lengthOf(0xffffffff) },
  ];
  for (const { what, read } of cases) it(`are not made of ${what}`, () => assert.equal(read(), -1));

  it("may be of the longest packet", () => assert.equal(lengthOf(frameBytesMax), frameBytesMax));
});

describe("a frame", () => {
  const tcp = (header: VnetHeader, payload = 5000) =>
    frame(ipv4Packet({ ...ends, protocol: 6, payload: tcpSegment(payload) }), {
      flags: 1,
      gsoType: 1,
      headerLength: 40,
      gsoSize: 1448,
      checksumStart: 20,
      checksumOffset: 16,
      ...header,
    });
  const udp = (header: VnetHeader, payload = 5000) =>
    frame(ipv4Packet({ ...ends, protocol: 17, payload: Buffer.alloc(8 + payload) }), {
      flags: 1,
      gsoType: 5,
      headerLength: 28,
      gsoSize: 1000,
      checksumStart: 20,
      checksumOffset: 6,
      ...header,
    });
  const edited = (edit: (bytes: Buffer) => void, bytes = frame(ipv4Packet(ends))) => {
    edit(bytes);
    return bytes;
  };

  const cases: { what: string; bytes: Buffer; want: ReturnType<typeof problemOf>; accepted?: number }[] = [
    { what: "with a plain packet", bytes: frame(ipv4Packet(ends)), want: undefined },
    { what: "whose checksum is known to be good", bytes: frame(ipv4Packet(ends), { flags: 2 }), want: undefined },
    { what: "of TCP in segments", bytes: tcp({}), want: undefined },
    { what: "of TCP whose hdr_len also covers payload", bytes: tcp({ headerLength: 2000 }), want: undefined },
    { what: "of UDP in segments", bytes: udp({}), want: undefined },
    { what: "without a packet", bytes: Buffer.alloc(10), want: "malformed" },
    {
      what: "shorter than an IP header",
      bytes: frame(Buffer.concat([Buffer.from([0x45]), Buffer.alloc(18)])),
      want: "malformed",
    },
    { what: "of IP version 5", bytes: edited((bytes) => bytes.writeUInt8(0x55, 10)), want: "malformed" },
    { what: "whose IP header claims 16 bytes", bytes: edited((bytes) => bytes.writeUInt8(0x44, 10)), want: "malformed" },
    {
      what: "whose IP header claims more than there is",
      bytes: edited((bytes) => bytes.writeUInt8(0x4f, 10)),
      want: "malformed",
    },
    { what: "with junk after the packet", bytes: Buffer.concat([frame(ipv4Packet(ends)), Buffer.alloc(1)]), want: "malformed" },
    { what: "whose IP length is past its end", bytes: edited((bytes) => bytes.writeUInt16BE(29, 12)), want: "malformed" },
    { what: "of IPv6", bytes: edited((bytes) => bytes.writeUInt8(0x60, 10)), want: "ipv6" },
    { what: "with a flag that nobody knows", bytes: frame(ipv4Packet(ends), { flags: 4 }), want: "bad-flags" },
    { what: "whose hdr_len is past its end", bytes: frame(ipv4Packet(ends), { headerLength: 29 }), want: "bad-gso" },
    { what: "of a gso type that nobody knows", bytes: tcp({ gsoType: 3 }), want: "bad-gso" },
    { what: "with the ECN bit, which v1 lacks", bytes: tcp({ gsoType: 0x81 }), want: "bad-gso" },
    {
      what: "of a gso type that the receiver did not name",
      bytes: udp({}),
      want: "bad-gso",
      accepted: gsoTypeSet(["tcp4", "tcp6"]),
    },
    { what: "of IPv4 with the gso type for IPv6", bytes: tcp({ gsoType: 4 }), want: "bad-gso" },
    { what: "of UDP with TCP's gso type", bytes: udp({ gsoType: 1 }), want: "bad-gso" },
    { what: "of TCP with UDP's gso type", bytes: tcp({ gsoType: 5 }), want: "bad-gso" },
    { what: "in segments without a checksum to complete", bytes: tcp({ flags: 0 }), want: "bad-gso" },
    { what: "in segments of one byte", bytes: tcp({ gsoSize: 1 }), want: "bad-gso" },
    { what: "in segments of no bytes", bytes: udp({ gsoSize: 0 }), want: "bad-gso" },
    { what: "of more UDP segments than Linux sends", bytes: udp({ gsoSize: 39 }), want: "bad-gso" },
    { what: "in segments whose hdr_len ends inside the TCP header", bytes: tcp({ headerLength: 39 }), want: "bad-gso" },
    { what: "whose checksum starts in the IP header", bytes: tcp({ checksumStart: 19 }), want: "bad-checksum-range" },
    { what: "whose checksum lies past its end", bytes: tcp({ checksumOffset: 0xffff }), want: "bad-checksum-range" },
  ];
  for (const { what, bytes, want, accepted } of cases) {
    it(`${what} ${want === undefined ? "passes" : `is refused as ${want}`}`, () =>
      assert.equal(problemOf(bytes, accepted), want));
  }

  it("counts the packets that it stands for by TCP's own header length", () => {
    const count = (bytes: Buffer) => packetCount(bytes, 0, bytes.length);
    assert.equal(count(frame(ipv4Packet(ends))), 1);
    assert.equal(count(tcp({ headerLength: 2000 }, 1448 * 3)), 3);
    assert.equal(count(tcp({}, 1448 * 3 + 1)), 4);
    assert.equal(count(udp({}, 5000)), 5);
  });
});

describe("the decoder", () => {
  /** As the receiver walks: what it visits, and whether it came to the end. */
  function walk(message: Buffer): { frames: number; bytes: number; whole: boolean } {
    let at = 0;
    let frames = 0;
    let bytes = 0;
    while (at < message.length) {
      const length = frameLengthAt(message, at, message.length);
      if (length < 0) return { frames, bytes, whole: false };
      const frameAt = at + recordPrefixBytes;
      assert.ok(frameAt + length <= message.length, "a frame lies within its message");
      if (frameProblem(message, frameAt, length, all) === undefined) {
        const packets = packetCount(message, frameAt, length);
        assert.ok(packets >= 1 && packets <= 65_535 / 48, "a frame stands for a bounded number of packets");
      }
      at = frameAt + length;
      frames += 1;
      bytes += length;
    }
    return { frames, bytes, whole: true };
  }

  it("comes to an end on any bytes, without an exception", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const { frames, bytes: visited } = walk(Buffer.from(bytes));
        assert.ok(visited + frames * recordPrefixBytes <= bytes.length);
      }),
      { numRuns: 1000 },
    );
  });

  const anyRecord = fc
    .record({
      size: fc.integer({ min: 0, max: 3000 }),
      protocol: fc.constantFrom(1, 6, 17),
      gsoType: fc.constantFrom(0, 1, 4, 5),
      gsoSize: fc.integer({ min: 0, max: 2000 }),
    })
    .map(({ size, protocol, gsoType, gsoSize }) =>
      record(
        frame(ipv4Packet({ ...ends, protocol, payload: tcpSegment(size) }), {
          flags: 1,
          gsoType,
          gsoSize,
          headerLength: 40,
          checksumStart: 20,
          checksumOffset: 6,
        }),
      ),
    );

  it("finds every record of a message that is as it should be", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 12 }), (records) => {
        const want = { frames: records.length, bytes: records.reduce((sum, { length }) => sum + length - 4, 0), whole: true };
        assert.deepEqual(walk(Buffer.concat(records)), want);
      }),
    );
  });

  it("survives a good message with bytes changed and its end cut off", () => {
    const mutation = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 6 }),
        fc.array(mutation, { maxLength: 8 }),
        fc.nat(),
        (records, mutations, cut) => {
          const message = Buffer.concat(records);
          for (const { at, value } of mutations) message[at % message.length] = value;
          walk(message.subarray(0, message.length - (cut % message.length)));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
