/* What the rules of Services count of real traffic, as each node's agent would read it. */

import assert from "node:assert/strict";
import { netnsPath } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";
import { counterSet, parseTraffic } from "#kernel/service-nft.ts";
import type { EndpointTraffic } from "#kernel/service-table.ts";
import { makeService, makeSlice } from "../support/service-objects.ts";
import { until } from "../support/until.ts";
import { type LabHost, type LabPod, openServiceLab, type Place, type ServiceLab, startTrio } from "./service-lab.ts";
import { ask, runIn } from "./service-questions.ts";

const clusterIP = "10.96.0.80";
const nodePort = 30_080;
const { signal } = new AbortController();

/** One connection after the other, and one request after the other on each. */
const keptAlive = `
  const { Agent, get } = require("node:http");
  const [host, port, connections, requests] = process.argv.slice(1);
  const once = (agent) =>
    new Promise((resolve, reject) => {
      get({ host, port, path: "/hostname", agent }, (response) => response.resume().on("end", resolve)).on("error", reject);
    });
  (async () => {
    for (let i = 0; i < Number(connections); i++) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let j = 0; j < Number(requests); j++) await once(agent);
      agent.destroy();
    }
  })();
`;

describe("the counters of Services' endpoints", () => {
  let lab: ServiceLab;
  let one: LabPod;
  let two: LabPod;
  let client: LabPod;

  before(async () => {
    lab = await openServiceLab();
    [one, two, client] = await startTrio(lab);
  });
  after(() => lab[Symbol.asyncDispose]());

  const endpoint = ({ address, node }: LabPod) => ({ address, node: node.name });
  const ports = {
    ports: [
      { name: "http", port: 80, nodePort },
      { name: "udp", port: 80, protocol: "UDP" },
    ],
  } as const;
  const slice = {
    service: "web",
    ports: [
      { name: "http", port: 8080 },
      { name: "udp", port: 8081, protocol: "UDP" },
    ],
  } as const;
  const serve = (...pods: readonly LabPod[]) =>
    lab.serve(
      makeService("web", { clusterIP, ...ports, spec: { type: "NodePort" } }),
      makeSlice("web-1", slice, ...pods.map(endpoint)),
    );
  const talk = (place: Place, host: string, port: number, connections: number) =>
    runIn(place, process.execPath, "-e", keptAlive, host, String(port), String(connections), "3");
  /** What this counted on the node, by endpoint. */
  const counted = async (node: LabHost, act: () => Promise<unknown>): Promise<Record<string, string>> => {
    const before = await readTraffic(node);
    await act();
    const moved = [...(await readTraffic(node))].map(([name, { connections, requests }]) => {
      const then = before.get(name) ?? { connections: 0, requests: 0 };
      return [name, `${connections - then.connections} + ${requests - then.requests}`] as const;
    });
    return Object.fromEntries(moved.filter(([, text]) => text !== "0 + 0"));
  };

  it("are of connections and their requests, on the client's node only", async () => {
    await serve(one, two);
    let here: Record<string, string> = {};
    const there = await counted(lab.node(2), async () => {
      here = await counted(lab.node(1), () => talk(client, clusterIP, 80, 20));
    });
    assert.deepEqual(there, {});
    assert.deepEqual(Object.keys(here).sort(), [`${one.address} tcp 8080`, `${two.address} tcp 8080`]);
    const sums = Object.values(here).map((text) => text.split(" + ").map(Number));
    const sum = (at: number) => sums.reduce((total, both) => total + (both[at] ?? 0), 0);
    assert.equal(sum(0), 20);
    // A segment that was sent again counts again.
    assert.ok(sum(1) >= 60 && sum(1) <= 66, `${sum(1)} requests`);
  });

  it("are not of traffic between pods themselves", async () => {
    await serve(one, two);
    assert.deepEqual(
      await counted(lab.node(1), async () => {
        await talk(client, one.address, 8080, 3);
        await talk(client, two.address, 8080, 3);
      }),
      {},
    );
  });

  it("are of flows of UDP and their datagrams", async () => {
    await serve(two);
    const question = { protocol: "udp", host: clusterIP, port: 80, localPort: 4_000 } as const;
    const found = await counted(lab.node(1), async () => {
      await ask(client, { ...question, tries: 5 });
      await ask(client, { ...question, localPort: 4_001 });
    });
    assert.deepEqual(found, { [`${two.address} udp 8081`]: "2 + 6" });
  });

  it("are of what comes by node ports, on the node that it comes by, with the endpoint's address", async () => {
    await serve(one);
    let there: Record<string, string> = {};
    const here = await counted(lab.node(1), async () => {
      there = await counted(lab.node(2), () => talk(lab.outside, lab.node(2).address, nodePort, 4));
    });
    assert.deepEqual([there, here], [{ [`${one.address} tcp 8080`]: "4 + 12" }, {}]);
  });

  it("survive a change of the rules, and when they are made anew", async () => {
    await serve(one, two);
    await talk(client, clusterIP, 80, 2);
    const before = await readTraffic(lab.node(1));
    await serve(two);
    assert.deepEqual(await readTraffic(lab.node(1)), before);
    await serve(one, two);
    const chain = ["list", "chain", "ip", "podwire_services", "cluster/default/web/tcp/http"] as const;
    await onNode(lab.node(1), "flush", ...chain.slice(1));
    await until(async () => (await onNode(lab.node(1), ...chain)).includes("dnat"), "the rules to be back");
    assert.deepEqual(await readTraffic(lab.node(1)), before);
    await lab.restartAgent(lab.node(1));
    assert.deepEqual(await readTraffic(lab.node(1)), before);
  });
});

/** `ADDRESS PROTOCOL PORT` to what was counted. */
async function readTraffic(node: LabHost): Promise<ReadonlyMap<string, EndpointTraffic>> {
  const [connections, requests] = [
    await onNode(node, "-j", "list", ...counterSet("connections")),
    await onNode(node, "-j", "list", ...counterSet("requests")),
  ];
  const found = parseTraffic({ connections, requests });
  return new Map(found.map((one) => [`${one.address} ${one.protocol} ${one.port}`, one]));
}

function onNode({ name }: LabHost, ...args: readonly string[]): Promise<string> {
  return run(["nsenter", `--net=${netnsPath(name)}`, "--", "nft", ...args], { signal });
}
