/* Property: for any Services and endpoints, a packet traced through the rules by nft's own trace ends where the model says. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "#core/cidr.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { endpointText } from "#core/services/endpoint-choice.ts";
import { type Fate, fateOf, type Packet } from "#core/services/packet-fate.ts";
import { proxiedPorts } from "#core/services/proxied-port.ts";
import { createLinuxNetwork } from "#kernel/linux-network.ts";
import { createLinuxServices } from "#kernel/linux-services.ts";
import { type PodLink, podNetnsPrefix } from "#kernel/network.ts";
import { nftProgram } from "#kernel/nft-program.ts";

import { run } from "#kernel/run.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import { planNetwork } from "../../node-agent/reconcile/plan-network.ts";
import { wantedNetwork } from "../../node-agent/reconcile/wanted-network.ts";
import { planAnew } from "../../node-agent/services/plan-service-table.ts";
import { enterHostNamespace, type HostNamespace } from "../support/host-namespace.ts";
import { type EndpointSketch, makeService, makeSlice, proxyNode, proxyViewOf } from "../support/service-objects.ts";
import { openTracer, type TracedFate } from "./nft-trace.ts";

const { signal } = new AbortController();
const outsideAddress = "198.51.100.2";
const podAddresses = ["10.244.1.2", "10.244.1.3"] as const;

const anyEndpoint: fc.Arbitrary<EndpointSketch> = fc
  .record(
    {
      address: fc.constantFrom(...podAddresses, "10.244.2.2", "10.244.2.3"),
      state: fc.constantFrom(
        {},
        {},
        { ready: false },
        { ready: false, serving: true, terminating: true },
        { ready: false, serving: false, terminating: true },
      ),
      forZones: fc.constantFrom(undefined, ["east"], ["west"], ["east"]),
    },
    { requiredKeys: ["address", "state", "forZones"] },
  )
  .map(({ address, state, forZones }) => ({
    address,
    node: address.startsWith("10.244.1.") ? "node-1" : "node-2",
    serving: state.ready !== false,
    ...state,
    ...(forZones === undefined ? {} : { forZones }),
  }));

const anyPolicy = fc.constantFrom("Cluster", "Local");
const anyService = fc.record({
  type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
  protocol: fc.constantFrom("TCP", "UDP"),
  internalTrafficPolicy: anyPolicy,
  externalTrafficPolicy: anyPolicy,
  sessionAffinity: fc.constantFrom("None", "ClientIP"),
  isOthers: fc.integer({ min: 0, max: 7 }).map((number) => number === 0),
  endpoints: fc.uniqueArray(anyEndpoint, { maxLength: 4, selector: ({ address }) => address }),
});

type AnyService = typeof anyService extends fc.Arbitrary<infer T> ? T : never;

function objectsOf(services: readonly AnyService[]) {
  return services.flatMap(({ protocol, isOthers, endpoints, ...spec }, i) => {
    const name = `service-${i}`;
    const labels: Record<string, string> = isOthers ? { "service.kubernetes.io/service-proxy-name": "other" } : {};
    const ports = [{ port: 80, nodePort: 30_080 + i, protocol } as const];
    return [
      makeService(name, { clusterIP: `10.96.0.${80 + i}`, ports, labels, spec, ingress: [`203.0.113.${i}`] }),
      makeSlice(`${name}-1`, { service: name, ports: [{ protocol, port: 8080 }] }, ...endpoints),
    ];
  });
}

const anyPacket = fc.record({
  from: fc.constantFrom("pod", "node", "elsewhere"),
  protocol: fc.constantFrom("tcp", "udp"),
  to: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(
        fc.constantFrom("10.96.0.80", "10.96.0.81", "203.0.113.0", "203.0.113.1"),
        fc.constantFrom(80, 80, 80, 81),
      ),
    },
    { weight: 3, arbitrary: fc.tuple(fc.constant("192.168.0.1"), fc.constantFrom(30_080, 30_081, 30_082)) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom("10.96.0.10", "10.96.9.9", "10.244.1.3"), fc.constantFrom(53, 80)) },
  ),
});

describe("rules of services", () => {
  it("lead any packet where the model says, by nft's own trace", async () => {
    await using host = await enterHostNamespace();
    const links = podAddresses.map(
      (address, i): PodLink => ({ netns: `${host.nodeName}.pod${i}`, device: `pwpod${i}`, address: parseIpv4(address) }),
    );
    const network = createLinuxNetwork(podNetnsPrefix(host.nodeName), nftProgram);
    const outside = await joinOutside(host);
    const wanted = wantedNetwork(
      {
        ...proxyNode,
        podCidrs: [parseCidr("10.244.1.0/24")],
        peerAddresses: [],
        balancerRange: parseCidr("203.0.113.0/24"),
      },
      links,
    );
    await network.apply(planNetwork({ ...wanted, links }, { ...(await network.read(signal)), netns: [] }), signal);
    await using tracer = await openTracer();
    const services = createLinuxServices(nftProgram);
    const places = { pod: links[0]?.netns, node: undefined, elsewhere: outside };
    const sources = { pod: podAddresses[0], node: "192.168.0.1", elsewhere: outsideAddress };
    let localPort = 10_000;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyService, { minLength: 1, maxLength: 3 }),
        fc.array(anyPacket, { minLength: 8, maxLength: 8 }),
        async (sketches, packets) => {
          const ports = proxiedPorts(proxyViewOf(...objectsOf(sketches)));
          await services.apply(planAnew(serviceTableOf(ports, proxyNode), await services.readNames(signal)), signal);
          for (const { from, protocol, to } of packets) {
            localPort += 1;
            const [destination, port] = to;
            const packet: Packet = {
              from,
              protocol,
              port,
              source: parseIpv4(sources[from]),
              destination: parseIpv4(destination),
            };
            const traced = await tracer.shoot(places[from], { protocol, host: destination, port, localPort });
            assertAgrees(traced, fateOf(packet, ports, proxyNode), packet);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

/** A host beside this one, which has it as its gateway; and the name server's address, which is the node's. */
async function joinOutside(host: HostNamespace): Promise<string> {
  const netns = `${host.nodeName}.outside`;
  await host.ip(
    `netns add ${netns}`,
    `link add out0 type veth peer name eth0 netns ${netns}`,
    "address add 198.51.100.1/24 dev out0",
    "link set out0 up",
    `route add local ${formatIpv4(proxyNode.dnsAddress)} dev lo src 192.168.0.1`,
  );

  const inside = [`address add ${outsideAddress}/24 dev eth0`, "link set eth0 up", "route add default via 198.51.100.1"];
  await run(["ip", "-netns", netns, "-batch", "-"], { input: `${inside.join("\n")}\n`, signal });
  return netns;
}

function assertAgrees(traced: TracedFate, model: Fate, packet: Packet): void {
  const about = `${JSON.stringify(packet)}: ${JSON.stringify(traced)} and not ${JSON.stringify(model)}`;
  if (model.fate === "refused" || model.fate === "dropped") {
    assert.equal(traced.fate, model.fate, about);
    return;
  }
  assert.ok(traced.fate === "delivered", about);
  const destinations =
    model.fate === "passed" ? [endpointText({ ...packet, address: packet.destination })] : model.to.map(endpointText);
  assert.ok(destinations.includes(traced.destination), about);
  // Who is led to itself would not answer its own address.
  const isHairpin = traced.destination.startsWith(`${formatIpv4(packet.source)}:`);
  const seenFrom = model.fate === "passed" ? packet.source : isHairpin ? proxyNode.nodeAddress : model.seenFrom;
  assert.equal(traced.source, formatIpv4(seenFrom), about);
}
