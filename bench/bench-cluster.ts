/* A cluster to measure on, brought up through the CLI in a folder of its own. */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";

const project = join(import.meta.dirname, "..");

export type ClusterClient = RpcClient<typeof ClusterService>;

export interface BenchCluster extends AsyncDisposable {
  /** Seconds from start to end; throws where the exit code isn't 0. */
  podwire(...args: readonly string[]): Promise<number>;
  connect(): ClusterClient & Disposable;
  /** Of this cluster's processes, by what their command lines contain. */
  processesWith(part: string): number[];
}

/** Nothing is up yet. Its disposal takes down what is. */
export function openBenchCluster(): BenchCluster {
  const runtime = mkdtempSync(join(tmpdir(), "podwire-bench-"));
  const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
  const podwire = (...args: readonly string[]) => runToEnd(join(project, "podwire"), args, env);
  return {
    podwire,
    connect: () => createRpcClient(ClusterService, { address: `unix:${join(runtime, "podwire", "podwire", "api.sock")}` }),
    processesWith: (part) =>
      readdirSync("/proc")
        .filter((entry) => /^[0-9]+$/.test(entry))
        .map(Number)
        .filter((pid) => {
          const line = readProc(pid, "cmdline");
          return line.includes(part) && line.includes(runtime);
        }),
    async [Symbol.asyncDispose]() {
      await podwire("down").catch(() => {});
      rmSync(runtime, { recursive: true, force: true });
    },
  };
}

/** Empty where the process is gone. */
export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** Creates the pods in one call; ms until all of them are as `accept` wants. */
export async function createPods(
  client: ClusterClient,
  pods: readonly { readonly name: string; readonly labels?: Readonly<Record<string, string>>; readonly spec: object }[],
  accept: (pod: Pod) => boolean,
): Promise<number> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(120_000)]);
  const waiting = new Set(pods.map(({ name }) => name));
  const request = { kind: "Pod", namespace: "default", labelSelector: "", fieldSelector: "", resourceVersion: "" };
  const watching = (async () => {
    for await (const { events } of client.watch(request, { signal })) {
      for (const { object } of events) {
        if (object?.object?.$case !== "pod" || !accept(object.object.value)) continue;
        waiting.delete(object.object.value.metadata?.name ?? "");
      }
      if (waiting.size === 0) return;
    }
  })();
  const manifests = pods.map(({ name, labels, spec }) => ({
    json: JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name, labels }, spec }),
    source: "bench",
  }));
  const startedMs = performance.now();
  try {
    await client.create({ manifests, namespace: "default", validate: "", dryRun: false }, { signal });
    await watching;
    return performance.now() - startedMs;
  } finally {
    over.abort();
  }
}

export function isRunning({ status }: Pod): boolean {
  return status?.phase === "Running";
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
}

function runToEnd(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) resolve((performance.now() - startedMs) / 1000);
      else reject(new Error(`${program} ${args.join(" ")}: exit code ${code}\n${said}`));
    });
  });
}
