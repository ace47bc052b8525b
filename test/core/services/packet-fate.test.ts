/* Where packets end, by the model: each line is a rule of kube-proxy's. */

import assert from "node:assert/strict";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { type Fate, fateOf, type Packet } from "#core/services/packet-fate.ts";
import { proxiedPorts } from "#core/services/proxied-port.ts";
import {
  type EndpointSketch,
  makeService,
  makeSlice,
  proxyNode,
  proxyViewOf,
  type ServiceSketch,
} from "../../support/service-objects.ts";

const vip = "10.96.0.80";
const node = "192.168.0.1";
const balancer = "203.0.113.5";
const here = { address: "10.244.1.2", node: "node-1" };
const there = { address: "10.244.2.2", node: "node-2" };
const ending = { ready: false, serving: true, terminating: true };
const failing = { ready: false, serving: false, terminating: true };

const senders = {
  pod: { from: "pod", source: parseIpv4("10.244.1.9") },
  node: { from: "node", source: parseIpv4(node) },
  "another node's pod": { from: "elsewhere", source: parseIpv4("10.244.2.9") },
  outside: { from: "elsewhere", source: parseIpv4("192.168.0.77") },
} as const satisfies Record<string, Pick<Packet, "from" | "source">>;

interface Case {
  readonly sentence: string;
  readonly spec?: object;
  readonly labels?: ServiceSketch["labels"];
  readonly endpoints: readonly EndpointSketch[];
  readonly from?: keyof typeof senders;
  readonly to?: string;
  readonly want: string;
}

const nodePort = { type: "NodePort" };
const local = { type: "NodePort", externalTrafficPolicy: "Local" };
const internalLocal = { internalTrafficPolicy: "Local" };

const cases: readonly Case[] = [
  { sentence: "goes to any ready endpoint", endpoints: [here, there], want: "10.244.1.2 10.244.2.2 from 10.244.1.9" },
  { sentence: "is refused where there is no endpoint", endpoints: [], want: "refused" },
  { sentence: "is refused where no endpoint is ready", endpoints: [{ ...here, ready: false, serving: false }], want: "refused" },
  {
    sentence: "is refused where the only endpoint ends and does not serve",
    endpoints: [{ ...here, ...failing }],
    want: "refused",
  },
  {
    sentence: "goes past endpoints that end while others are ready",
    endpoints: [here, { ...there, ...ending }],
    want: "10.244.1.2 from 10.244.1.9",
  },
  {
    sentence: "falls back to endpoints that end and serve",
    endpoints: [
      { ...here, ...failing },
      { ...there, ...ending },
    ],
    want: "10.244.2.2 from 10.244.1.9",
  },
  { sentence: "keeps the node's address", endpoints: [there], from: "node", want: "10.244.2.2 from 192.168.0.1" },
  {
    sentence: "is masqueraded from outside of the pods' range",
    endpoints: [there],
    from: "outside",
    want: "10.244.2.2 from 192.168.0.1",
  },
  {
    sentence: "stays here with internalTrafficPolicy Local",
    spec: internalLocal,
    endpoints: [here, there],
    want: "10.244.1.2 from 10.244.1.9",
  },
  {
    sentence: "is dropped with internalTrafficPolicy Local and no endpoint here",
    spec: internalLocal,
    endpoints: [there],
    want: "dropped",
  },
  {
    sentence: "is refused with internalTrafficPolicy Local and no endpoint anywhere",
    spec: internalLocal,
    endpoints: [],
    want: "refused",
  },
  {
    sentence: "falls back to endpoints here that end",
    spec: internalLocal,
    endpoints: [{ ...here, ...ending }, there],
    want: "10.244.1.2 from 10.244.1.9",
  },
  { sentence: "to another port is refused", endpoints: [here], to: `${vip}:81`, want: "refused" },
  { sentence: "to an address of no Service is dropped", endpoints: [here], to: "10.96.7.7:80", want: "dropped" },
  { sentence: "to the name server passes", endpoints: [here], to: "10.96.0.10:53", want: "passed" },
  { sentence: "to another port of the name server's is refused", endpoints: [here], to: "10.96.0.10:80", want: "refused" },
  { sentence: "to a pod is none of the proxy's", endpoints: [here], to: "10.244.1.2:80", want: "passed" },
  {
    sentence: "to a Service of another proxy's is dropped",
    labels: { "service.kubernetes.io/service-proxy-name": "other" },
    endpoints: [here],
    want: "dropped",
  },
  {
    sentence: "to a Service with the label headless is dropped",
    labels: { "service.kubernetes.io/headless": "" },
    endpoints: [here],
    want: "dropped",
  },
  {
    sentence: "to a node port is masqueraded",
    spec: nodePort,
    endpoints: [here, there],
    from: "outside",
    to: `${node}:30080`,
    want: "10.244.1.2 10.244.2.2 from 192.168.0.1",
  },
  {
    sentence: "to a node port is masqueraded from another node's pod",
    spec: nodePort,
    endpoints: [there],
    from: "another node's pod",
    to: `${node}:30080`,
    want: "10.244.2.2 from 192.168.0.1",
  },
  {
    sentence: "to a node port of a Service without endpoints is refused",
    spec: nodePort,
    endpoints: [],
    from: "outside",
    to: `${node}:30080`,
    want: "refused",
  },
  {
    sentence: "to another port of the node passes",
    spec: nodePort,
    endpoints: [here],
    from: "outside",
    to: `${node}:30081`,
    want: "passed",
  },
  {
    sentence: "to a Local node port stays here and keeps its address",
    spec: local,
    endpoints: [here, there],
    from: "outside",
    to: `${node}:30080`,
    want: "10.244.1.2 from 192.168.0.77",
  },
  {
    sentence: "to a Local node port without endpoint here is dropped",
    spec: local,
    endpoints: [there],
    from: "outside",
    to: `${node}:30080`,
    want: "dropped",
  },
  {
    sentence: "to a Local node port goes anywhere from a pod of this node",
    spec: local,
    endpoints: [there],
    to: `${node}:30080`,
    want: "10.244.2.2 from 10.244.1.9",
  },
  {
    sentence: "to a Local node port goes anywhere from this node",
    spec: local,
    endpoints: [there],
    from: "node",
    to: `${node}:30080`,
    want: "10.244.2.2 from 192.168.0.1",
  },
  {
    sentence: "to a balancer's address is as to a node port",
    spec: { type: "LoadBalancer", externalTrafficPolicy: "Local" },
    endpoints: [here, there],
    from: "outside",
    to: `${balancer}:80`,
    want: "10.244.1.2 from 192.168.0.77",
  },
  {
    sentence: "to another port of a balancer's address is refused",
    spec: { type: "LoadBalancer" },
    endpoints: [here],
    from: "outside",
    to: `${balancer}:81`,
    want: "refused",
  },
  {
    sentence: "stays in the zone where every endpoint has a hint",
    endpoints: [
      { ...here, forZones: ["west"] },
      { ...there, forZones: ["east"] },
    ],
    want: "10.244.2.2 from 10.244.1.9",
  },
  {
    sentence: "goes anywhere where one endpoint has no hint",
    endpoints: [here, { ...there, forZones: ["east"] }],
    want: "10.244.1.2 10.244.2.2 from 10.244.1.9",
  },
  {
    sentence: "goes anywhere where no hint names the zone",
    endpoints: [
      { ...here, forZones: ["west"] },
      { ...there, forZones: ["west"] },
    ],
    want: "10.244.1.2 10.244.2.2 from 10.244.1.9",
  },
  {
    sentence: "stays on the node where hints say so, before zones",
    endpoints: [
      { ...here, forZones: ["east"], forNodes: ["node-1"] },
      { ...there, forZones: ["east"], forNodes: ["node-2"] },
    ],
    want: "10.244.1.2 from 10.244.1.9",
  },
  {
    sentence: "falls back from the node to the zone",
    endpoints: [
      { ...here, forZones: ["west"], forNodes: ["node-3"] },
      { ...there, forZones: ["east"], forNodes: ["node-2"] },
    ],
    want: "10.244.2.2 from 10.244.1.9",
  },
];

describe("a packet to a Service", () => {
  for (const { sentence, spec, labels, endpoints, from = "pod", to = `${vip}:80`, want } of cases) {
    it(sentence, () => {
      const ports = [{ port: 80, nodePort: 30_080 }];
      const service = makeService("web", { clusterIP: vip, ports, labels: labels ?? {}, spec: spec ?? {}, ingress: [balancer] });
      const view = proxyViewOf(service, makeSlice("web-1", { service: "web" }, ...endpoints));
      const [host = "", port] = to.split(":");
      const packet: Packet = { ...senders[from], destination: parseIpv4(host), port: Number(port), protocol: "tcp" };
      assert.equal(textOf(fateOf(packet, proxiedPorts(view), proxyNode)), want);
    });
  }

  it("finds endpoints that stand in several slices, each once, by address or by port", () => {
    const ports = [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ] as const;
    const view = proxyViewOf(
      makeService("web", { clusterIP: vip, ports }),
      makeSlice("web-1", { service: "web", ports: [{ name: "http", port: 8080 }] }, here, { ...there, ready: false }),
      makeSlice("web-2", { service: "web", ports: [{ name: "http", port: 8080 }] }, there, here),
      makeSlice("web-3", { service: "web", ports: [{ name: "dns", protocol: "UDP", port: 5353 }] }, there),
      makeSlice("other", { service: "other", ports: [{ name: "http", port: 8080 }] }, { address: "10.244.9.9" }),
    );
    const served = proxiedPorts(view);
    const fate = (protocol: "tcp" | "udp", port: number) =>
      textOf(fateOf({ ...senders.pod, destination: parseIpv4(vip), protocol, port }, served, proxyNode));
    assert.deepEqual(
      [fate("tcp", 80), fate("udp", 53), fate("udp", 80), fate("tcp", 53)],
      ["10.244.1.2 10.244.2.2 from 10.244.1.9", "10.244.2.2 from 10.244.1.9", "refused", "refused"],
    );
  });
});

function textOf(fate: Fate): string {
  if (fate.fate !== "delivered") return fate.fate;
  return `${fate.to.map(({ address }) => formatIpv4(address)).join(" ")} from ${formatIpv4(fate.seenFrom)}`;
}
