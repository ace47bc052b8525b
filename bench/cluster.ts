/* What a user waits for and what an idle cluster costs, measured on real clusters through the CLI's own path. */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import { median, type Row } from "./row.ts";

const project = join(import.meta.dirname, "..");
const rounds = 5;
const pods = 30;
const idleMs = 10_000;

export async function benchCluster(): Promise<Row[]> {
  const runtime = mkdtempSync(join(tmpdir(), "podwire-bench-"));
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
  const podwire = (...args: string[]) => runToEnd(join(project, "podwire"), args, env);
  try {
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
    const idle = await idleCost(runtime);
    using client = createRpcClient(ClusterService, { address: `unix:${join(runtime, "podwire", "podwire", "api.sock")}` });
    const startMs = await podStarts(client);
    downSeconds.push(await podwire("down"));
    return [
      { name: "three nodes Ready, `up --detach` as a whole", value: median(upSeconds), unit: "s", target: "≤ 1.5" },
      { name: "`down`", value: median(downSeconds), unit: "s" },
      { name: "pod, from create to Running, p50", value: median(startMs), unit: "ms", target: "≤ 100" },
      { name: "idle agent, resident memory", value: idle.rssMiB, unit: "MiB", target: "≤ 80" },
      { name: "idle agent, processor", value: idle.cpuPercent, unit: "%", target: "< 1" },
    ];
  } finally {
    await podwire("down").catch(() => {});
    rmSync(runtime, { recursive: true, force: true });
  }
}

async function podStarts(client: RpcClient<typeof ClusterService>): Promise<number[]> {
  const signal = AbortSignal.timeout(60_000);
  const waiting = new Map<string, () => void>();
  const request = { kind: "Pod", namespace: "default", labelSelector: "", fieldSelector: "", resourceVersion: "" };
  const over = new AbortController();
  const watching = (async () => {
    for await (const { events } of client.watch(request, { signal: over.signal })) {
      for (const { object } of events) {
        if (object?.object?.$case !== "pod" || object.object.value.status?.phase !== "Running") continue;
        waiting.get(object.object.value.metadata?.name ?? "")?.();
      }
    }
  })().catch(() => {});
  const took: number[] = [];
  for (let index = 0; index < pods; index++) {
    const name = `bench-${index}`;
    const running = new Promise<void>((resolve) => waiting.set(name, resolve));
    const startedMs = performance.now();
    const spec = { containers: [{ name: "c", image: "podwire/toolbox", command: ["sleep", "1000"] }] };
    const json = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
    await client.create(
      { manifests: [{ json, source: "bench" }], namespace: "default", validate: "", dryRun: false },
      { signal },
    );
    await running;
    took.push(performance.now() - startedMs);
  }
  over.abort();
  await watching;
  return took;
}

/** Of the dearest agent. Processor time is of one processor. */
async function idleCost(runtime: string): Promise<{ rssMiB: number; cpuPercent: number }> {
  await sleepFor(3_000);
  const agents = processesWith("node-agent/main.ts", runtime);
  const before = agents.map(cpuTicks);
  await sleepFor(idleMs);
  const ticks = agents.map((pid, index) => cpuTicks(pid) - (before[index] ?? 0));
  const ticksPerSecond = 100;
  return {
    rssMiB: Math.max(...agents.map(rssKiB)) / 1024,
    cpuPercent: (Math.max(...ticks) / ticksPerSecond / (idleMs / 1000)) * 100,
  };
}

function processesWith(...parts: readonly string[]): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^[0-9]+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      const line = readText(`/proc/${pid}/cmdline`);
      return parts.every((part) => line.includes(part));
    });
}

function cpuTicks(pid: number): number {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function rssKiB(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+)/m.exec(readText(`/proc/${pid}/status`))?.[1]);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Seconds from start to end. */
function runToEnd(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve((performance.now() - startedMs) / 1000);
      else reject(new Error(`${program} ${args.join(" ")}: exit code ${code}`));
    });
  });
}
