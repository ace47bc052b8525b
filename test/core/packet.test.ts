import assert from "node:assert/strict";
import { formatIpv4 } from "#core/ipv4.ts";
import { ipVersion, ipv4Destination, ipv4HeaderLength, ipv4Protocol, ipv4Source, ipv4TotalLength } from "#core/packet.ts";

// A ping from 192.168.255.1 to 10.0.0.254, as tcpdump -x prints it, after two bytes that are not its own.
const bytes = Buffer.from("ffff450000541c4640004001a6eec0a8ff010a0000fe0800", "hex");

describe("the look at a packet", () => {
  it("reads what it needs where the packet lies", () => {
    assert.equal(ipVersion(bytes, 2), 4);
    assert.equal(ipv4HeaderLength(bytes, 2), 20);
    assert.equal(ipv4TotalLength(bytes, 2), 84);
    assert.equal(ipv4Protocol(bytes, 2), 1);
    assert.equal(formatIpv4(ipv4Source(bytes, 2)), "192.168.255.1");
    assert.equal(formatIpv4(ipv4Destination(bytes, 2)), "10.0.0.254");
  });

  it("reads nothing past the end", () => {
    assert.equal(ipVersion(bytes, 1000), 0);
    assert.equal(ipv4Source(bytes, bytes.length), 0);
  });
});
