import { doesNotThrow, throws } from "node:assert/strict";
import { type ClusterConfig, checkConfig } from "../../embedded/cluster-config.ts";

const good: ClusterConfig = {
  name: "c",
  nodeCount: 3,
  zones: {},
  podCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  loadBalancerCidr: "10.97.0.0/24",
  logLevel: "info",
  timeScale: 1,
};

describe("a cluster's configuration", () => {
  const right: readonly Partial<ClusterConfig>[] = [
    {},
    { nodeCount: 1 },
    { nodeCount: 250 },
    { podCidr: "192.168.0.0/22", nodeCount: 4 },
  ];
  for (const change of right)
    it(`takes ${JSON.stringify(change)}`, () => doesNotThrow(() => checkConfig({ ...good, ...change })));

  const wrong: readonly { readonly change: Partial<ClusterConfig>; readonly message: RegExp }[] = [
    { change: { nodeCount: 0 }, message: /--nodes 0: want a whole number from 1 to 250/ },
    { change: { nodeCount: 1.5 }, message: /--nodes 1.5/ },
    { change: { nodeCount: 251 }, message: /--nodes 251/ },
    { change: { podCidr: "10.244.0.0" }, message: /is not a CIDR/ },
    { change: { podCidr: "10.244.0.1/16" }, message: /did you mean 10\.244\.0\.0\/16/ },
    { change: { podCidr: "10.96.0.0/12" }, message: /--pod-cidr .* and --service-cidr .* overlap/ },
    { change: { podCidr: "172.18.0.0/16" }, message: /the hosts' own network/ },
    { change: { podCidr: "10.244.0.0/23" }, message: /has room for 2 nodes .* not for 3/ },
    { change: { podCidr: "10.244.0.0/28", nodeCount: 1 }, message: /has room for 0 nodes/ },
  ];
  for (const { change, message } of wrong) {
    it(`refuses ${JSON.stringify(change)}`, () =>
      throws(() => checkConfig({ ...good, ...change }), { kind: "invalid", message }));
  }
});
