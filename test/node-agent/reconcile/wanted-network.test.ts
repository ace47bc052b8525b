import assert from "node:assert/strict";
import { formatCidr, parseCidr } from "#core/cidr.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { localTable, mainTable, podTable, tunName } from "#kernel/network.ts";
import { type NetworkView, wantedNetwork } from "../../../node-agent/reconcile/wanted-network.ts";

const view: NetworkView = {
  nodeAddress: parseIpv4("192.168.0.1"),
  podRange: parseCidr("10.244.0.0/16"),
  serviceRange: parseCidr("10.96.0.0/16"),
  balancerRange: parseCidr("10.97.0.0/24"),
  podCidrs: [parseCidr("10.244.1.0/24")],
  peerAddresses: [parseIpv4("192.168.0.2"), parseIpv4("192.168.0.3")],
};
const pod = { netns: "node.a", device: "pwa", address: parseIpv4("10.244.1.2") };

/** A table's routes as `destination → where`. */
function routes(table: number, of = wantedNetwork(view, [pod])): Record<string, string> {
  return Object.fromEntries(
    of.routes
      .filter((route) => route.table === table)
      .map(({ destination, to }) => {
        const where = to === "unreachable" ? to : `${to.device} ${to.source === undefined ? "-" : formatIpv4(to.source)}`;
        return [formatCidr(destination), where];
      }),
  );
}

describe("wantedNetwork", () => {
  it("leads all pods and services into the tunnel, its own free addresses nowhere, its pods to their devices", () => {
    assert.deepEqual(routes(mainTable), {
      "10.244.0.0/16": `${tunName} 192.168.0.1`,
      "10.96.0.0/16": `${tunName} 192.168.0.1`,
      "10.97.0.0/24": `${tunName} 192.168.0.1`,
      "10.244.1.0/24": "unreachable",
      "10.244.1.2/32": "pwa 192.168.0.1",
    });
  });

  it("answers the cluster's DNS address itself, the Service range's tenth, under the node's own", () => {
    assert.deepEqual(routes(localTable), { "10.96.0.10/32": "lo 192.168.0.1" });
  });

  it("leads to other nodes' addresses by the pods' table only, without a source", () => {
    assert.deepEqual(routes(podTable), { "192.168.0.2/32": `${tunName} -`, "192.168.0.3/32": `${tunName} -` });
    assert.deepEqual(wantedNetwork(view, []).rules, [
      { priority: 90, mark: 0x10000, table: mainTable },
      { priority: 100, from: parseCidr("10.244.1.0/24"), table: podTable },
    ]);
  });

  it("knows every node's address and each pod's device, for the rules", () => {
    assert.deepEqual(
      wantedNetwork(view, [pod]).elements.map((element) => [element.set, formatIpv4(element.address)]),
      [
        ["pods", "10.244.1.2"],
        ["nodes", "192.168.0.1"],
        ["nodes", "192.168.0.2"],
        ["nodes", "192.168.0.3"],
      ],
    );
  });

  it("gives a host port that two pods ask for to the first, and each address its own", () => {
    const port = { protocol: "tcp", port: 80, containerPort: 8080 } as const;
    const other = { netns: "node.b", device: "pwb", address: parseIpv4("10.244.1.3") };
    const links = [
      { ...pod, hostPorts: [port] },
      { ...other, hostPorts: [port, { ...port, protocol: "udp" as const }, { ...port, hostAddress: view.nodeAddress }] },
    ];
    const ports = wantedNetwork(view, links).elements.flatMap((one) =>
      one.set === "hostPorts" ? [`${one.hostAddress ?? "any"} ${one.protocol} ${one.port} ${formatIpv4(one.address)}`] : [],
    );
    assert.deepEqual(ports, ["any tcp 80 10.244.1.2", "any udp 80 10.244.1.3", `${view.nodeAddress} tcp 80 10.244.1.3`]);
  });

  it("wants nothing of a pod whose block is the node's no more", () => {
    const stranger = { ...pod, address: parseIpv4("10.244.7.2") };
    const wanted = wantedNetwork(view, [stranger]);
    assert.deepEqual(wanted.links, []);
    assert.ok(!("10.244.7.2/32" in routes(mainTable, wanted)));
    assert.ok(wanted.elements.every(({ set }) => set === "nodes"));
  });

  it("wants no pods and no rule while it has no block", () => {
    const wanted = wantedNetwork({ ...view, podCidrs: [] }, [pod]);
    assert.deepEqual([wanted.links, wanted.rules], [[], []]);
  });

  for (const [sentence, changed, want] of [
    [
      "a block that is the whole pod range is unreachable but for its pods",
      { podCidrs: [parseCidr("10.244.0.0/16")] },
      "unreachable",
    ],
    ["a block of one address leads to its pod", { podCidrs: [parseCidr("10.244.1.2/32")] }, "pwa 192.168.0.1"],
  ] as const) {
    it(`wants one route to a destination: ${sentence}`, () => {
      const wanted = wantedNetwork({ ...view, ...changed }, [pod]);
      const destinations = wanted.routes.map(({ table, destination }) => `${table} ${formatCidr(destination)}`);
      assert.deepEqual(destinations, [...new Set(destinations)]);
      assert.equal(routes(mainTable, wanted)[formatCidr(changed.podCidrs[0])], want);
    });
  }
});
