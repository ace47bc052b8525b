import assert from "node:assert/strict";
import fc from "fast-check";
import { createAddressSet } from "#core/address-set.ts";
import { blockOf, type Cidr, cidrContains, parseCidr } from "#core/cidr.ts";
import { type Ipv4, parseIpv4 } from "#core/ipv4.ts";
import { createRoutingTable, hostRoute } from "#core/routing-table.ts";

const address = fc.integer({ min: 0, max: 0xffffffff }).map((bits) => bits as Ipv4);
const block = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([base, prefix]) => blockOf(base, prefix));

describe("the routing table", () => {
  const table = createRoutingTable([
    { cidr: parseCidr("10.244.1.0/24"), target: "a" },
    { cidr: parseCidr("10.244.1.0/24"), target: "late" },
    { cidr: parseCidr("10.244.0.0/16"), target: "wide" },
    { cidr: hostRoute(parseIpv4("10.244.1.9")), target: "host" },
    { cidr: parseCidr("192.0.2.0/24"), target: "high" },
  ]);
  const cases = [
    { destination: "10.244.1.0", want: "a" },
    { destination: "10.244.1.255", want: "a" },
    { destination: "10.244.1.9", want: "host" },
    { destination: "10.244.2.1", want: "wide" },
    { destination: "192.0.2.200", want: "high" },
    { destination: "10.245.0.1", want: undefined },
  ];
  for (const { destination, want } of cases) {
    it(`sends ${destination} to ${want ?? "nobody"}`, () => assert.equal(table.lookup(parseIpv4(destination)), want));
  }

  it("agrees with a search through all routes for the longest prefix", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 30 }), address, (blocks, destination) => {
        const routes = blocks.map((cidr, target) => ({ cidr, target }));
        let best: { cidr: Cidr; target: number } | undefined;
        for (const route of routes) {
          if (cidrContains(route.cidr, destination) && (best === undefined || route.cidr.prefix > best.cidr.prefix)) best = route;
        }
        assert.equal(createRoutingTable(routes).lookup(destination), best?.target);
      }),
    );
  });
});

describe("an address set", () => {
  it("contains what one of its blocks contains, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 5 }), address, (blocks, candidate) => {
        assert.equal(
          createAddressSet(blocks).contains(candidate),
          blocks.some((cidr) => cidrContains(cidr, candidate)),
        );
      }),
    );
  });
});
