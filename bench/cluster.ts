/* What a user waits for and what an idle cluster costs, measured on real clusters through the CLI's own path. */

import { setTimeout as sleepFor } from "node:timers/promises";
import { type BenchCluster, createPods, isRunning, openBenchCluster, readProc } from "./bench-cluster.ts";
import { median, type Row } from "./row.ts";

const rounds = 5;
const pods = 30;
const idleMs = 10_000;

export async function benchCluster(): Promise<Row[]> {
  await using cluster = openBenchCluster();
  const { podwire } = cluster;
  // The first start fills the compile cache, as a user's first does.
  await podwire("up", "--detach", "--nodes", "3");
  await sleepFor(3_000);
  await podwire("down");
  const upSeconds: number[] = [];
  const downSeconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    upSeconds.push(await podwire("up", "--detach", "--nodes", "3"));
    if (round < rounds - 1) downSeconds.push(await podwire("down"));
  }
  const idle = await idleCost(cluster);
  const startMs = await podStarts(cluster);
  downSeconds.push(await podwire("down"));
  return [
    { name: "three nodes Ready, `up --detach` as a whole", value: median(upSeconds), unit: "s", target: "≤ 1.5" },
    { name: "`down`", value: median(downSeconds), unit: "s" },
    { name: "pod, from create to Running, p50", value: median(startMs), unit: "ms", target: "≤ 100" },
    { name: "idle agent, resident memory", value: idle.rssMiB, unit: "MiB", target: "≤ 80" },
    { name: "idle agent, processor", value: idle.cpuPercent, unit: "%", target: "< 1" },
  ];
}

async function podStarts(cluster: BenchCluster): Promise<number[]> {
  using client = cluster.connect();
  const spec = { containers: [{ name: "c", image: "podwire/toolbox", command: ["sleep", "1000"] }] };
  const took: number[] = [];
  for (let index = 0; index < pods; index++) took.push(await createPods(client, [{ name: `bench-${index}`, spec }], isRunning));
  return took;
}

/** Of the dearest agent. Processor time is of one processor. */
async function idleCost(cluster: BenchCluster): Promise<{ rssMiB: number; cpuPercent: number }> {
  await sleepFor(3_000);
  const agents = cluster.processesWith("node-agent/main.ts");
  const before = agents.map(cpuTicks);
  await sleepFor(idleMs);
  const ticks = agents.map((pid, index) => cpuTicks(pid) - (before[index] ?? 0));
  const ticksPerSecond = 100;
  return {
    rssMiB: Math.max(...agents.map(rssKiB)) / 1024,
    cpuPercent: (Math.max(...ticks) / ticksPerSecond / (idleMs / 1000)) * 100,
  };
}

function cpuTicks(pid: number): number {
  const stat = readProc(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function rssKiB(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+)/m.exec(readProc(pid, "status"))?.[1]);
}
