import assert from "node:assert/strict";
import { parseIpv4 } from "#core/ipv4.ts";
import { proxiedPorts } from "#core/services/proxied-port.ts";
import { parseUdpFlows, renderRemoval } from "#kernel/conntrack.ts";
import type { UdpFlow } from "#kernel/service-table.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { leavesFlows, servingByFrontend, staleFlows } from "../../../node-agent/services/stale-flows.ts";
import { makeService, makeSlice, proxyNode, proxyViewOf } from "../../support/service-objects.ts";

const udp = { port: 53, protocol: "UDP", nodePort: 30_053 } as const;
const slicePort = { ports: [{ protocol: "UDP", port: 5353 }] } as const;
const ports = proxiedPorts(
  proxyViewOf(
    makeService("names", { clusterIP: "10.96.0.53", ports: [udp], spec: { type: "NodePort" } }),
    makeSlice(
      "names-1",
      { service: "names", ...slicePort },
      { address: "10.244.1.2" },
      { address: "10.244.1.3", ready: false, serving: true, terminating: true },
      { address: "10.244.1.4", ready: false, serving: false, terminating: true },
    ),
    makeService("empty", { clusterIP: "10.96.0.54", ports: [{ port: 53, protocol: "UDP" }] }),
    makeService("dns", { clusterIP: "10.96.0.10", ports: [{ port: 53, protocol: "UDP" }] }),
    makeService("web", { clusterIP: "10.96.0.80", ports: [{ port: 53 }] }),
  ),
);

const cases: readonly (readonly [sentence: string, to: string, answeredBy: string, isStale: boolean])[] = [
  ["to a ready endpoint", "10.96.0.53:53", "10.244.1.2:5353", false],
  ["to an endpoint that ends and serves", "10.96.0.53:53", "10.244.1.3:5353", false],
  ["to an endpoint that ends and does not serve", "10.96.0.53:53", "10.244.1.4:5353", true],
  ["to a pod that is no endpoint", "10.96.0.53:53", "10.244.1.9:5353", true],
  ["to another port of an endpoint's", "10.96.0.53:53", "10.244.1.2:53", true],
  ["that was led nowhere", "10.96.0.53:53", "10.96.0.53:53", true],
  ["by the node's port to an endpoint", "192.168.0.1:30053", "10.244.1.2:5353", false],
  ["by the node's port to a pod that is no endpoint", "192.168.0.1:30053", "10.244.1.9:5353", true],
  ["to the node itself, from before its port was the Service's", "192.168.0.1:30053", "192.168.0.1:30053", true],
  ["of a Service that has no endpoint", "10.96.0.54:53", "10.244.1.9:5353", false],
  ["of a Service that is gone", "10.96.0.99:53", "10.244.1.2:5353", true],
  ["by a node's port that no Service has any more", "192.168.0.1:30099", "10.244.1.2:5353", true],
  ["to a port of the node's that is no Service's", "192.168.0.1:30099", "192.168.0.1:30099", false],
  ["to the name server", "10.96.0.10:53", "10.96.0.10:53", false],
  ["between pods", "10.244.1.9:53", "10.244.1.9:53", false],
];

function flowOf(to: string, answeredBy: string): UdpFlow {
  const [[destination, destinationPort], [answers, answeredPort]] = [to, answeredBy].map((text) => text.split(":")) as [
    string[],
    string[],
  ];
  return {
    source: parseIpv4("10.244.1.7"),
    sourcePort: 4_000,
    destination: parseIpv4(destination ?? ""),
    destinationPort: Number(destinationPort),
    answeredBy: parseIpv4(answers ?? ""),
    answeredPort: Number(answeredPort),
  };
}

describe("a flow of UDP", () => {
  for (const [sentence, to, answeredBy, isStale] of cases) {
    it(`${sentence} is ${isStale ? "stale" : "left alone"}`, () => {
      const flow = flowOf(to, answeredBy);
      assert.deepEqual(staleFlows([flow], ports, proxyNode), isStale ? [flow] : []);
    });
  }

  const names = makeService("names", { clusterIP: "10.96.0.53", ports: [udp] });
  const at = (...addresses: readonly string[]) => [
    names,
    makeSlice("names-1", { service: "names", ...slicePort }, ...addresses.map((address) => ({ address }))),
  ];
  const web = [
    makeService("web", { clusterIP: "10.96.0.80" }),
    makeSlice("web-1", { service: "web" }, { address: "10.244.1.2" }),
  ];
  const dns = [makeService("dns", { clusterIP: "10.96.0.10", ports: [{ port: 53, protocol: "UDP" }] })];
  type Objects = readonly (Service | EndpointSlice)[];
  const changes: readonly (readonly [sentence: string, before: Objects | undefined, now: Objects, leaves: boolean])[] = [
    ["an agent has just started", undefined, [], true],
    ["nothing changed", at("10.244.1.2"), at("10.244.1.2"), false],
    ["a Service of UDP came without endpoints", [], [names], false],
    ["it came with one", [], at("10.244.1.2"), true],
    ["it got its first", [names], at("10.244.1.2"), true],
    ["it got one more", at("10.244.1.2"), at("10.244.1.2", "10.244.1.3"), false],
    ["one went", at("10.244.1.2", "10.244.1.3"), at("10.244.1.2"), true],
    ["one took another's place", at("10.244.1.2"), at("10.244.1.3"), true],
    ["the last went", at("10.244.1.2"), [names], true],
    ["the Service went", [names], [], true],
    ["a Service of TCP changed", [], web, false],
    ["the name server came", [], dns, false],
  ];
  for (const [sentence, before, now, leaves] of changes) {
    it(`is ${leaves ? "looked for" : "left alone"} when ${sentence}`, () => {
      const serving = (objects: Objects) => servingByFrontend(proxiedPorts(proxyViewOf(...objects)), proxyNode);
      assert.equal(leavesFlows(before && serving(before), serving(now)), leaves);
    });
  }

  it("is read from conntrack's list, and named to it by where it goes and who answers", () => {
    const text = `udp      17 28 src=10.244.1.7 dst=10.96.0.53 sport=4000 dport=53 [UNREPLIED] src=10.244.1.2 dst=10.244.1.7 sport=5353 dport=4000 mark=0 use=1
udp      17 119 src=192.168.0.1 dst=192.168.0.1 sport=5 dport=6 src=192.168.0.1 dst=192.168.0.1 sport=6 dport=5 [ASSURED] mark=65536 use=1
`;
    const [first, second, ...others] = parseUdpFlows(text);
    assert.deepEqual(first, flowOf("10.96.0.53:53", "10.244.1.2:5353"));
    assert.equal(second?.answeredPort, 6);
    assert.deepEqual(others, []);
    assert.equal(
      renderRemoval(first as UdpFlow).join(" "),
      "-D -f ipv4 -p udp --orig-dst 10.96.0.53 --orig-port-dst 53 --reply-src 10.244.1.2 --reply-port-src 5353",
    );
  });
});
