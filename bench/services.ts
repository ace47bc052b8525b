/* What Services cost a node: their rules made whole and changed in part, and a connection through one beside a connection to the pod
 * itself, in turns, while all the others stand. Runs as root; makes its namespaces and removes them. */

import { once } from "node:events";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { createPortReader } from "#core/services/proxied-port.ts";
import { inNetns } from "#kernel/netns.ts";
import { nftProgram } from "#kernel/nft-program.ts";
import { watchRuleset } from "#kernel/ruleset.ts";
import { run } from "#kernel/run.ts";
import { parseNames, renderTableChange } from "#kernel/service-nft.ts";
import { serviceTableOf } from "#kernel/service-rules.ts";
import type { TableChange } from "#kernel/service-table.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import { planAnew, planChange } from "../node-agent/services/plan-service-table.ts";
import { createLab, type LabNode, runIn, spawnIn } from "../test/support/overlay-lab.ts";
import { makeService, makeSlice, proxyNode, proxyViewOf } from "../test/support/service-objects.ts";
import { median, type Row } from "./row.ts";

const nftTimes = join(import.meta.dirname, "nft-times.ts");
const services = 1_000;
const endpoints = 10;
const rebuilds = 7;
const changes = 25;
const rounds = 7;
const connectionsEach = 3_000;
const looks = 1_000;
const { signal } = new AbortController();

export async function benchServices(): Promise<Row[]> {
  await using lab = await createLab(2);
  const [a, b] = [lab.node(0), lab.node(1)];
  await lab.route("plain");
  const served = makeService("served", { clusterIP: vip });
  const all = [served, makeSlice("served-1", { service: "served", ports: [{ port }] }, { address: b.podAddress }), ...crowd()];

  await using nft = spawnIn(a.namespace, [process.execPath, "--disable-warning=ExperimentalWarning", nftTimes]);
  const portsOf = createPortReader();
  const decideMs: number[] = [];
  const rebuildMs: number[] = [];
  let table = serviceTableOf(portsOf(proxyViewOf(...all)), proxyNode);
  for (let round = 0; round < rebuilds; round++) {
    const names = parseNames(await onNode(a, "-j", "list", "chains", "ip"), await onNode(a, "-j", "-t", "list", "sets", "ip"));
    const startedMs = performance.now();
    table = serviceTableOf(portsOf(proxyViewOf(...all)), proxyNode);
    const lines = renderTableChange(planAnew(table, names));
    decideMs.push(performance.now() - startedMs);
    rebuildMs.push(await nftTime(nft, lines));
  }

  const smallDecideMs: number[] = [];
  const changeMs: number[] = [];
  for (let round = 0; round < changes; round++) {
    const view = proxyViewOf(...all, ...pair(round, endpoints - 1 - (round % 2)));
    const startedMs = performance.now();
    const next = serviceTableOf(portsOf(view), proxyNode);
    const lines = renderTableChange(planChange(next, table) as TableChange);
    smallDecideMs.push(performance.now() - startedMs);
    changeMs.push(await nftTime(nft, lines));
    table = next;
  }

  const perSecond = { direct: [] as number[], service: [] as number[] };
  await using server = spawnIn(b.podNamespace, [process.execPath, "-e", serverScript]);
  if (server.stdout !== null) await once(server.stdout, "data");
  const ways = { direct: `${b.podAddress}:${port}`, service: `${vip}:80` };
  for (const way of ["direct", "service"] as const) await connectionRate(a, ways[way]);
  for (let round = 0; round < rounds; round++) {
    for (const way of ["direct", "service"] as const) perSecond[way].push(await connectionRate(a, ways[way]));
  }
  const ratios = perSecond.service.map((rate, round) => rate / (perSecond.direct[round] ?? 1));
  const whole = `${services.toLocaleString("en")} Services of ${endpoints} endpoints`;
  return [
    { name: `${whole}, made anew by nftables`, value: median(rebuildMs), unit: "ms", target: "≤ 300" },
    { name: "the same, at best", value: Math.min(...rebuildMs), unit: "ms" },
    { name: "the same, decided and written down", value: median(decideMs), unit: "ms" },
    { name: "one Service of them changed by nftables", value: median(changeMs), unit: "ms", target: "≤ 20" },
    { name: "the same, at best", value: Math.min(...changeMs), unit: "ms" },
    { name: "the same, decided and written down", value: median(smallDecideMs), unit: "ms" },
    { name: "looking whether somebody else changed the rules", value: lookTime(a), unit: "µs" },
    { name: "connections to a pod itself", value: median(perSecond.direct), unit: "/s" },
    { name: "connections to it through a Service", value: median(perSecond.service), unit: "/s" },
    { name: "median of the rounds' ratios", value: median(ratios), unit: "", target: "≥ 0.9" },
  ];
}

const vip = "10.96.0.80";
const port = 8080;

function crowd(): (Service | EndpointSlice)[] {
  return Array.from({ length: services - 1 }, (_, i) => pair(i, endpoints)).flat();
}

function pair(number: number, count: number): [Service, EndpointSlice] {
  const name = `service-${number}`;
  const clusterIP = `10.96.${1 + (number >> 8)}.${number & 255}`;
  const addresses = Array.from({ length: count }, (_, i) => ({ address: `10.244.${i + 10}.${(number % 250) + 2}` }));
  return [makeService(name, { clusterIP }), makeSlice(`${name}-1`, { service: name }, ...addresses)];
}

/** A program starts in the network namespace that the thread is in at that moment. */
function onNode({ namespace }: LabNode, ...args: readonly string[]): Promise<string> {
  return inNetns(namespace, () => run(["nft", ...args], { signal }));
}

type NftTimes = ReturnType<typeof spawnIn>;

/** In milliseconds, of a process that has done such changes before, as an agent has. */
async function nftTime({ stdin, stdout }: NftTimes, lines: readonly string[]): Promise<number> {
  if (stdin === null || stdout === null) throw new Error("it was started without pipes");
  stdin.write(`${JSON.stringify(lines)}\n`);
  const [answer] = await once(stdout, "data");
  return Number(answer);
}

/** In µs, the mean of many. */
function lookTime({ namespace }: LabNode): number {
  using ruleset = inNetns(namespace, () => watchRuleset(nftProgram));
  const startedMs = performance.now();
  for (let i = 0; i < looks; i++) ruleset.changedByOthers();
  return (1_000 * (performance.now() - startedMs)) / looks;
}

const serverScript = `
  const server = require('net').createServer((socket) => socket.on('error', () => {}).resume());
  server.listen({ port: ${port}, host: '0.0.0.0', backlog: 4096 }, () => console.log('ready'));
`;

/** Opened and reset at once, so that none waits for its end; a few at a time. */
const clientScript = `
  const [host, port] = process.argv[1].split(':');
  let left = ${connectionsEach};
  let open = 16;
  const startedMs = performance.now();
  const next = () => {
    if (left-- > 0) {
      const socket = require('net').connect({ host, port }, () => { socket.resetAndDestroy(); next(); });
      socket.on('error', (error) => { throw error; });
    } else if (--open === 0) console.log(1000 * ${connectionsEach} / (performance.now() - startedMs));
  };
  for (let i = 0; i < 16; i++) next();
`;

async function connectionRate({ podNamespace }: LabNode, address: string): Promise<number> {
  return Number(await runIn(podNamespace, [process.execPath, "-e", clientScript, address]));
}
