import assert from "node:assert/strict";
import fc from "fast-check";
import { isAppError } from "#core/errors.ts";
import { addToIpv4, formatIpv4, ipv4FromBits, parseIpv4 } from "#core/ipv4.ts";

describe("IPv4 addresses", () => {
  const cases = [
    { text: "0.0.0.0", want: 0 },
    { text: "10.0.0.1", want: 0x0a000001 },
    { text: "127.255.0.9", want: 0x7fff0009 },
    { text: "255.255.255.255", want: 0xffffffff },
  ];
  for (const { text, want } of cases) it(`${text} is ${want}`, () => assert.equal(parseIpv4(text), want));

  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.04",
    "1.2.3.-4",
    "1.2.3.4 ",
    "1..2.3",
    "a.b.c.d",
    "1.2.3.4\n",
    "::1",
    "0x1.2.3.4",
    "1e1.2.3.4",
  ]) {
    it(`${JSON.stringify(text)} is none`, () => {
      assert.throws(
        () => parseIpv4(text),
        (error) => isAppError(error, "invalid") && error.message.includes("is not an IPv4 address"),
      );
    });
  }

  it("come back from text as they were", () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (bits) => assert.equal(parseIpv4(formatIpv4(ipv4FromBits(bits))), bits)));
  });

  it("come as text as they were given", () => {
    fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(formatIpv4(parseIpv4(text)), text)));
  });

  it("are unsigned, whatever sign a packet's bits have", () => {
    assert.equal(ipv4FromBits(-1), 0xffffffff);
    assert.equal(formatIpv4(ipv4FromBits(-1)), "255.255.255.255");
  });

  it("can be counted, but not past their ends", () => {
    assert.equal(formatIpv4(addToIpv4(parseIpv4("10.0.0.255"), 1)), "10.0.1.0");
    assert.equal(formatIpv4(addToIpv4(parseIpv4("127.255.255.255"), 1)), "128.0.0.0");
    assert.throws(() => addToIpv4(parseIpv4("255.255.255.255"), 1), /assertion failed/);
    assert.throws(() => addToIpv4(parseIpv4("0.0.0.0"), -1), /assertion failed/);
    assert.throws(() => addToIpv4(parseIpv4("0.0.0.0"), 0.5), /assertion failed/);
  });
});
