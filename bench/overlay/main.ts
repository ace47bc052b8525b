/* npm run bench:overlay [-- --rounds N] [--json FILE] [--congestion NAME] [--peer NAME=SCRIPT]…
 *
 * Podwire's tunnel beside the kernel's routing and its VXLAN, between the same pods, in turns: the machine's mood changes from minute to minute, so
 * only neighbours are compared. Runs as root; makes its namespaces and removes them. */

import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { type Between, bulk, flood, load, losslessRate, residentMiB, roundTrip, roundTripDuring } from "./measures.ts";
import { figuresOf, renderFigures } from "./report.ts";
import { openTopology, type Peer, type Topology } from "./topology.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    json: { type: "string" },
    congestion: { type: "string", default: readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim() },
    peer: { type: "string", multiple: true, default: [] },
  },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: want a whole number from 1`);

await using topology = await openTopology(values.peer.map(parsePeer));
const ways = topology.ways.map(({ name }) => name);
const { samples, record } = createSamples();
for (let round = 1; round <= rounds; round++) {
  for (const way of topology.ways) {
    process.stderr.write(`round ${round} of ${rounds}: ${way.name}\n`);
    await way.up();
    try {
      await measure(topology, (key, value) => record(key, way.name, value));
    } finally {
      await way.down();
    }
  }
}
const figures = figuresOf(samples, ways);
const agents = await Promise.all(topology.agents.map((agent) => agent.status()));
const pids = topology.agents.flatMap(({ process: { pid } }) => (pid === undefined ? [] : [pid]));
const machine = {
  processors: `${cpus().length} × ${cpus()[0]?.model ?? "?"}`,
  kernel: release(),
  node: process.version,
  congestion: values.congestion,
  rounds,
};
const own = {
  residentMiB: Math.max(...pids.map(residentMiB)),
  queueFullDrops: agents.flatMap(({ peers }) => peers.map(({ sendDrops }) => sendDrops["queue-full"])).reduce((a, b) => a + b, 0),
};
process.stdout.write(
  `${machine.processors}, Linux ${machine.kernel}, Node ${machine.node}, ${machine.congestion}, ${rounds} rounds\n\n`,
);
process.stdout.write(renderFigures(figures, ways));
process.stdout.write(
  `\nagents: ${own.residentMiB.toFixed(0)} MiB resident at most, ${own.queueFullDrops.toLocaleString("en")} frames dropped at full queues\n`,
);
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ ...figures, machine, agents: own }, undefined, 2)}\n`);

async function measure({ nodes: [a, b, c] }: Topology, record: (key: string, value: number) => void): Promise<void> {
  const between: Between = { from: a, to: b, congestion: values.congestion };
  const one = await bulk(between, 1);
  record("tcp1", one.gigabitsPerSecond);
  record("cpuPerGigabyte", one.cpuSecondsPerGigabyte);
  record("tcp4", (await bulk(between, 4)).gigabitsPerSecond);
  for (const bytes of [64, 1_400]) {
    const received = await flood(between, bytes);
    record(`udp${bytes}`, received);
    record(`udp${bytes}Lossless`, await losslessRate(between, bytes, received));
  }
  const idle = await roundTrip(between);
  record("roundTrip", idle.p50Us);
  record("roundTripP99", idle.p99Us);
  record("roundTripUnderLoad", (await roundTripDuring(between, (over) => load(between, "tcp", over))).p50Us);
  const other: Between = { ...between, to: c };
  record("secondPeerIdle", (await roundTrip(other)).p50Us);
  record("secondPeerFlooded", (await roundTripDuring(other, (over) => load(between, "udp", over))).p50Us);
}

function createSamples() {
  const samples = new Map<string, Map<string, number[]>>();
  return {
    samples,
    record(key: string, way: string, value: number) {
      const byWay = samples.get(key) ?? new Map<string, number[]>();
      samples.set(key, byWay.set(way, [...(byWay.get(way) ?? []), value]));
    },
  };
}

function parsePeer(text: string): Peer {
  const [, name, script] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text) ?? [];
  if (name === undefined || script === undefined) throw new Error(`--peer ${text}: want NAME=SCRIPT`);
  return { name, script };
}
