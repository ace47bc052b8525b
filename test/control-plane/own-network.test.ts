import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { type Interfaces, refuseOwnNetwork } from "../../control-plane/own-network.ts";
import { refusal } from "../support/refusal.ts";

const ranges = {
  podCidr: parseCidr("10.244.0.0/16"),
  serviceCidr: parseCidr("10.96.0.0/16"),
  balancerCidr: parseCidr("10.97.0.0/24"),
};

describe("the hosts' own network", () => {
  for (const [cidr, message] of [
    [
      "10.244.7.2/24",
      "the hosts' own network 10.244.7.0/24 and --pod-cidr 10.244.0.0/16 overlap: choose ranges that share no address",
    ],
    ["10.0.0.2/8", "the hosts' own network 10.0.0.0/8 and --pod-cidr 10.244.0.0/16 overlap: choose ranges that share no address"],
    [
      "10.97.0.200/29",
      "the hosts' own network 10.97.0.200/29 and --load-balancer-cidr 10.97.0.0/24 overlap: choose ranges that share no address",
    ],
  ] as const) {
    it(`is refused where it is ${cidr}`, async () => {
      const advertise = `${cidr.split("/")[0]}:7443`;
      const error = await refusal(Promise.try(() => refuseOwnNetwork({ ...ranges, advertise }, interfaceWith(cidr))));
      assert.equal(error.message, message);
    });
  }

  for (const [sentence, advertise, cidr] of [
    ["shares no address with a range", "172.18.0.2:7443", "172.18.0.2/16"],
    ["is not the one that has the advertised address", "192.0.2.7:7443", "10.244.7.2/24"],
    ["is advertised by a name", "control-plane:7443", "10.244.7.2/24"],
    ["is not advertised", undefined, "10.244.7.2/24"],
  ] as const) {
    it(`is no matter where it ${sentence}`, () => refuseOwnNetwork({ ...ranges, advertise }, interfaceWith(cidr)));
  }
});

function interfaceWith(cidr: string): Interfaces {
  const address = cidr.split("/")[0] ?? "";
  return { eth0: [{ family: "IPv4", internal: false, address, cidr, netmask: "", mac: "" }] };
}
