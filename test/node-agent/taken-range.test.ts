import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { takenRange } from "../../node-agent/taken-range.ts";

const ranges = { podCIDR: "10.244.0.0/16", serviceCIDR: "10.96.0.0/16", loadBalancerCIDR: "10.97.0.0/16" };
const pods = /^the cluster's --pod-cidr 10\.244\.0\.0\/16 overlaps this host's own route /;
const services = /^the cluster's --service-cidr 10\.96\.0\.0\/16 overlaps this host's own route /;

describe("a range of the cluster", () => {
  const cases: readonly (readonly [sentence: string, route: string, want: RegExp | undefined])[] = [
    ["is free beside other routes", "192.168.0.0/24", undefined],
    ["is free next to its own end", "10.245.0.0/16", undefined],
    ["is taken by an address in it", "10.244.3.7/32", pods],
    ["is taken by the same route", "10.244.0.0/16", pods],
    ["is taken by a wider route", "10.0.0.0/8", pods],
    ["of Services is taken as one of pods", "10.96.128.0/17", services],
    ["of load balancers is taken as well", "10.97.0.1/32", /--load-balancer-cidr 10\.97\.0\.0\/16 overlaps/],
  ];
  for (const [sentence, route, want] of cases) {
    it(sentence, () => {
      const said = takenRange(ranges, [
        { destination: parseCidr("127.0.0.0/8"), device: "lo" },
        { destination: parseCidr(route), device: "eth0" },
      ]);
      if (want === undefined) assert.equal(said, undefined);
      else assert.match(said ?? "", want);
    });
  }

  it("is refused with the device and what to change", () => {
    assert.equal(
      takenRange(ranges, [{ destination: parseCidr("10.244.5.0/24"), device: "vpn0" }]),
      "the cluster's --pod-cidr 10.244.0.0/16 overlaps this host's own route 10.244.5.0/24 dev vpn0: start the control plane with another --pod-cidr, or remove the route",
    );
  });
});
