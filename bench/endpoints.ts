/* How soon a pod that gets ready has its first packet through a Service, from every node: readiness → EndpointSlice → sessions → rules.
 * A readiness gate is opened and closed; on each node somebody knocks at the Service's address all the time. */

import { setTimeout as sleepFor } from "node:timers/promises";
import { type ClusterClient, createPods, isReady, isRunning, openBenchCluster } from "./bench-cluster.ts";
import type { Row } from "./row.ts";

const nodes = 5;
const services = 100;
const endpointsEach = 10;
const rounds = 30;
const knockMs = 2;
const roundMsMax = 10_000;
const gate = "bench.podwire.dev/open";

/** Prints the time of each change from refused to answered. */
const knocker = `
const { connect } = require("node:net");
const [, host] = process.argv;
let open = false;
const knock = () => {
  const socket = connect({ host, port: 80 });
  const next = (now) => {
    if (now && !open) console.log(performance.timeOrigin + performance.now());
    open = now;
    socket.destroy();
    setTimeout(knock, ${knockMs});
  };
  socket.once("connect", () => next(true));
  socket.once("error", () => next(false));
};
knock();
`;

export async function benchEndpoints(): Promise<Row[]> {
  await using cluster = openBenchCluster();
  await cluster.podwire("up", "--detach", "--nodes", String(nodes));
  using client = cluster.connect();
  await write(client, Array.from({ length: services - 1 }, (_, i) => idleService(i)).flat());
  await write(client, [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "measured" },
      spec: { selector: { app: "measured" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ]);
  const address = await clusterIp(client, "measured");
  const spec = {
    nodeName: "node-1",
    readinessGates: [{ conditionType: gate }],
    containers: [{ name: "c", image: "podwire/toolbox", args: ["http-server", "--port", "8080"] }],
  };
  await createPods(client, [{ name: "measured", labels: { app: "measured" }, spec }], isRunning);
  const knockers = Array.from({ length: nodes }, (_, i) => ({
    name: `knocker-${i + 1}`,
    spec: {
      nodeName: `node-${i + 1}`,
      containers: [{ name: "c", image: "podwire/toolbox", command: ["/run/podwire/node", "-e", knocker, address] }],
    },
  }));
  await createPods(client, knockers, isReady);

  const over = new AbortController();
  const opened = knockers.map(() => [] as number[]);
  const reading = knockers.map(({ name }, i) => readTimes(client, name, (ms) => opened[i]?.push(ms), over.signal));
  const tookMs: number[] = [];
  let firstMs = Number.NaN;
  // Before the first, everything was made a moment ago, and the programs have done none of it yet: it is told by itself.
  for (let round = 1; round <= rounds + 1; round++) {
    const startedMs = performance.timeOrigin + performance.now();
    await setGate(client, "True");
    await until(() => opened.every((times) => times.length >= round));
    const took = opened.map((times) => (times[round - 1] ?? Number.NaN) - startedMs);
    if (round === 1) firstMs = Math.max(...took);
    else tookMs.push(...took);
    await setGate(client, "False");
    // Long enough for every node's knocker to be refused again, or its next change would not be one.
    await sleepFor(500);
  }
  over.abort();
  await Promise.allSettled(reading);
  const sorted = tookMs.sort((a, b) => a - b);
  const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const of = `${services} Services of ${endpointsEach}, ${nodes} nodes`;
  return [
    { name: `endpoint ready to first packet, ${of}, p50`, value: percentile(0.5), unit: "ms" },
    { name: `endpoint ready to first packet, ${of}, p99`, value: percentile(0.99), unit: "ms", target: "≤ 100" },
    { name: "the first time, right after they were made, on the slowest node", value: firstMs, unit: "ms" },
  ];
}

/** Its endpoints are addresses that nobody has: nobody asks it. */
function idleService(number: number): object[] {
  const name = `idle-${number}`;
  const endpoints = Array.from({ length: endpointsEach }, (_, i) => ({ addresses: [`10.244.${number}.${i + 100}`] }));
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ports: [{ port: 80 }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": name } },
      ...{ addressType: "IPv4", endpoints, ports: [{ port: 80 }] },
    },
  ];
}

async function write(client: ClusterClient, objects: readonly object[]): Promise<void> {
  const manifests = objects.map((object) => ({ json: JSON.stringify(object), source: "bench" }));
  await client.create({ manifests, namespace: "default", validate: "", dryRun: false }, { signal: AbortSignal.timeout(30_000) });
}

async function clusterIp(client: ClusterClient, name: string): Promise<string> {
  const { object } = await client.get({ kind: "Service", namespace: "default", name }, { signal: AbortSignal.timeout(5_000) });
  const address = object?.$case === "service" ? object.value.spec?.clusterIP : undefined;
  if (address === undefined) throw new Error(`the Service ${name} has no address`);
  return address;
}

async function setGate(client: ClusterClient, status: "True" | "False"): Promise<void> {
  const json = JSON.stringify({ status: { conditions: [{ type: gate, status }] } });
  const request = { kind: "Pod", namespace: "default", name: "measured", type: "strategic", json, validate: "", dryRun: false };
  await client.patch({ ...request, subresource: "status" }, { signal: AbortSignal.timeout(5_000) });
}

async function readTimes(client: ClusterClient, pod: string, onTime: (ms: number) => void, signal: AbortSignal): Promise<void> {
  const request = { namespace: "default", pod, container: "", follow: true, previous: false, timestamps: false };
  let text = "";
  for await (const { frame } of client.logs(request, { signal })) {
    if (frame?.$case !== "stdout") continue;
    const lines = `${text}${Buffer.from(frame.value)}`.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) onTime(Number(line));
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + roundMsMax;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`not every node had an answer within ${roundMsMax / 1000} s`);
    await sleepFor(5);
  }
}
