import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressAt,
  blockOf,
  type Cidr,
  cidrContains,
  cidrsOverlap,
  formatCidr,
  maskOf,
  parseCidr,
  refuseOverlaps,
  sizeOf,
  subnetAt,
  subnetCount,
  subnetIndex,
} from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import { formatIpv4, ipv4FromBits } from "#core/ipv4.ts";

const address = fc.nat(0xffffffff).map(ipv4FromBits);
const block = fc.tuple(address, fc.nat(32)).map(([base, prefix]) => blockOf(base, prefix));

describe("CIDRs", () => {
  for (const text of ["0.0.0.0/0", "10.244.0.0/16", "128.0.0.0/1", "255.255.255.255/32"]) {
    it(`${text} comes back as it was given`, () => assert.equal(formatCidr(parseCidr(text)), text));
  }

  const refused = [
    { text: "10.0.0.1", want: /is not a CIDR \(want ADDRESS\/LENGTH/ },
    { text: "10.0.0.0/", want: /is not a CIDR/ },
    { text: "10.0.0.0/08", want: /is not a CIDR/ },
    { text: "10.0.0.0/8/8", want: /is not a CIDR/ },
    { text: "10.0.0.0/-1", want: /is not a CIDR/ },
    { text: "10.0.0.0/33", want: /the length is at most 32/ },
    { text: "10.0.0/8", want: /is not an IPv4 address/ },
    { text: "10.244.1.7/24", want: /has host bits set: did you mean 10\.244\.1\.0\/24\?/ },
    { text: "0.0.0.1/0", want: /did you mean 0\.0\.0\.0\/0\?/ },
  ];
  for (const { text, want } of refused) {
    it(`${text} is refused`, () => {
      assert.throws(
        () => parseCidr(text),
        (error) => isAppError(error, "invalid") && want.test(error.message),
      );
    });
  }

  it("come back from text as they were", () => {
    fc.assert(fc.property(block, (cidr) => assert.deepEqual(parseCidr(formatCidr(cidr)), cidr)));
  });

  it("have masks of as many ones as their length", () => {
    assert.deepEqual(
      [0, 1, 16, 24, 31, 32].map((prefix) => formatIpv4(ipv4FromBits(maskOf(prefix)))),
      ["0.0.0.0", "128.0.0.0", "255.255.0.0", "255.255.255.0", "255.255.255.254", "255.255.255.255"],
    );
  });

  it("hold their first and last address, and not the ones beside", () => {
    fc.assert(
      fc.property(block, (cidr) => {
        const last = addressAt(cidr, sizeOf(cidr) - 1);
        assert.ok(cidrContains(cidr, cidr.base));
        assert.ok(cidrContains(cidr, last));
        if (cidr.base > 0) assert.ok(!cidrContains(cidr, ipv4FromBits(cidr.base - 1)));
        if (last < 0xffffffff) assert.ok(!cidrContains(cidr, ipv4FromBits(last + 1)));
        assert.throws(() => addressAt(cidr, sizeOf(cidr)), /assertion failed/);
      }),
    );
  });

  it("hold an address exactly where its block of that length is theirs", () => {
    fc.assert(
      fc.property(block, address, (cidr, one) => {
        assert.equal(cidrContains(cidr, one), blockOf(one, cidr.prefix).base === cidr.base);
      }),
    );
  });

  it("overlap exactly where one starts in the other", () => {
    // Near each other, or they would hardly ever meet.
    const near = fc
      .tuple(fc.nat(1023), fc.integer({ min: 22, max: 32 }))
      .map(([bits, prefix]) => blockOf(ipv4FromBits(bits), prefix));
    fc.assert(
      fc.property(near, near, (a, b) => {
        const want = a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
        assert.equal(cidrsOverlap(a, b), want);
        assert.equal(cidrsOverlap(b, a), want);
      }),
    );
  });

  it("are cut into blocks that fill them, in order", () => {
    const range = parseCidr("10.244.0.0/16");
    assert.equal(subnetCount(range, 24), 256);
    assert.equal(formatCidr(subnetAt(range, 24, 0)), "10.244.0.0/24");
    assert.equal(formatCidr(subnetAt(range, 24, 255)), "10.244.255.0/24");
    assert.throws(() => subnetAt(range, 24, 256), /assertion failed/);
    assert.throws(() => subnetCount(range, 15), /assertion failed/);
    fc.assert(
      fc.property(block, fc.nat(8), fc.nat(255), (cidr, bits, wanted) => {
        const prefix = Math.min(32, cidr.prefix + bits);
        const index = wanted % subnetCount(cidr, prefix);
        const subnet = subnetAt(cidr, prefix, index);
        assert.equal(subnetIndex(cidr, subnet), index);
        assert.ok(cidrContains(cidr, subnet.base));
        assert.deepEqual(blockOf(subnet.base, prefix), subnet);
      }),
    );
  });

  it("know which blocks are none of theirs", () => {
    const range = parseCidr("10.244.0.0/16");
    assert.equal(subnetIndex(range, parseCidr("10.245.0.0/24")), undefined);
    assert.equal(subnetIndex(range, parseCidr("10.0.0.0/8")), undefined);
  });

  it("of one cluster may not overlap, and the message names both", () => {
    const ranges = (pods: string, services: string): Record<string, Cidr> => ({
      "--pod-cidr": parseCidr(pods),
      "--service-cidr": parseCidr(services),
    });
    refuseOverlaps(ranges("10.244.0.0/16", "10.96.0.0/12"));
    assert.throws(
      () => refuseOverlaps(ranges("10.96.0.0/16", "10.96.0.0/12")),
      (error) =>
        isAppError(error, "invalid") &&
        error.message.startsWith("--pod-cidr 10.96.0.0/16 and --service-cidr 10.96.0.0/12 overlap"),
    );
  });
});
