/* What pods cost a user's patience: many at once, with a probe, commands in them, and an agent that comes back to a full node. */

import { setTimeout as sleepFor } from "node:timers/promises";
import { isAppError } from "#core/errors.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import { type BenchCluster, type ClusterClient, createPods, isReady, openBenchCluster } from "./bench-cluster.ts";
import { median, type Row } from "./row.ts";

const nodes = 3;
const atOnce = 30;
const probedRounds = 20;
const execRounds = 50;
const cliRounds = 10;
const adopted = 100;
const returnRounds = 3;
/** An agent that ran this long is started again at once; a younger one after a back-off. */
const healthyMs = 10_500;

const image = "podwire/toolbox";
const sleeper = { image, command: ["sleep", "1000"] };

export async function benchPods(): Promise<Row[]> {
  await using cluster = openBenchCluster();
  await cluster.podwire("up", "--detach", "--nodes", String(nodes));
  using client = cluster.connect();

  const many = Array.from({ length: atOnce }, (_, i) => ({
    name: `many-${i}`,
    spec: { nodeName: `node-${(i % nodes) + 1}`, containers: [{ name: "c", ...sleeper }] },
  }));
  const manyMs = await createPods(client, many, isReady);

  const probed = { name: "probed", ...sleeper, readinessProbe: { exec: { command: ["true"] } } };
  const probedMs = await readyTimes(client, probed);
  const readinessProbe = { httpGet: { path: "/", port: 8080 } };
  const server = { name: "server", image, args: ["http-server", "--port", "8080"], readinessProbe };
  const serverMs = await readyTimes(client, server);

  const execMs: number[] = [];
  for (let i = 0; i < execRounds; i++) execMs.push(await timed(() => exec(client, "many-0")));
  const cliMs: number[] = [];
  for (let i = 0; i < cliRounds; i++) cliMs.push(1_000 * (await cluster.podwire("exec", "many-0", "--", "true")));

  const emptier = await returnOfAgent(cluster, client, "many-0");
  const full = Array.from({ length: adopted }, (_, i) => ({
    name: `full-${i}`,
    spec: { nodeName: "node-1", containers: [{ name: "c", ...sleeper }] },
  }));
  await createPods(client, full, isReady);
  const fuller = await returnOfAgent(cluster, client, `full-${adopted - 1}`);
  return [
    { name: `${atOnce} pods at once on ${nodes} nodes, all Ready`, value: manyMs / 1_000, unit: "s", target: "≤ 2" },
    { name: "pod with two containers and a probe, Ready, p50", value: median(probedMs), unit: "ms", target: "≤ 200" },
    { name: "the same where a Node server must come up first", value: median(serverMs), unit: "ms" },
    { name: "exec of `true` through the API, p50", value: median(execMs), unit: "ms", target: "≤ 60" },
    { name: "exec of `true` by the CLI as a whole, p50", value: median(cliMs), unit: "ms" },
    { name: "agent killed until exec works again", value: emptier, unit: "ms" },
    { name: `the same with ${adopted} more pods on its node`, value: fuller, unit: "ms" },
    { name: `${adopted} pods adopted: the difference`, value: fuller - emptier, unit: "ms", target: "≤ 500" },
  ];
}

/** Pods of that container and one beside it, one after the other. */
async function readyTimes(client: ClusterClient, container: { readonly name: string }): Promise<number[]> {
  const spec = { containers: [container, { name: "beside", ...sleeper }] };
  const took: number[] = [];
  for (let i = 0; i < probedRounds; i++) took.push(await createPods(client, [{ name: `${container.name}-${i}`, spec }], isReady));
  return took;
}

/** Kills node-1's agent; ms until its successor runs a command in the pod. The median of a few. */
async function returnOfAgent(cluster: BenchCluster, client: ClusterClient, pod: string): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < returnRounds; round++) {
    await sleepFor(healthyMs);
    const agent = cluster.processesWith("node-agent/main.ts").find((pid) => isAgentOf(cluster, pid, "node-1"));
    if (agent === undefined) throw new Error("node-1 has no agent");
    process.kill(agent, "SIGKILL");
    took.push(await timed(() => execPatiently(client, pod)));
  }
  return median(took);
}

function isAgentOf(cluster: BenchCluster, pid: number, node: string): boolean {
  return cluster.processesWith(node).includes(pid);
}

async function execPatiently(client: ClusterClient, pod: string): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    try {
      return await exec(client, pod);
    } catch (error) {
      if (!isAppError(error) || performance.now() > deadlineMs) throw error;
    }
  }
}

async function exec(client: ClusterClient, pod: string): Promise<void> {
  const over = new AbortController();
  const start = { namespace: "default", pod, container: "", command: ["true"], stdin: false, tty: false };
  async function* requests(): AsyncGenerator<ExecRequest> {
    yield { message: { $case: "start", value: start } };
    // The requests' end would end the call.
    await new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve(), { once: true }));
  }
  try {
    for await (const { frame } of client.exec(requests(), { signal: AbortSignal.timeout(10_000) })) {
      if (frame?.$case === "exit" && frame.value.code === 0) return;
      if (frame?.$case === "exit") throw new Error(`true ended with ${frame.value.code}`);
    }
  } finally {
    over.abort();
  }
  throw new Error("the exec ended without an exit code");
}

async function timed(action: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await action();
  return performance.now() - startedMs;
}
