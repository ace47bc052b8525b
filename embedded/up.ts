/* Brings a cluster up on this machine. */

import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "#core/clock.ts";
import { AppError, isAppError } from "#core/errors.ts";
import { findSandbox, startSandbox } from "#kernel/sandbox.ts";
import { clustersRoot, type Environment } from "#process/cluster-paths.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import { type ClusterConfig, checkConfig } from "./cluster-config.ts";
import { type ClusterFolder, makeFolder } from "./cluster-folder.ts";
import { refuseFullDisk } from "./disk-space.ts";
import { down } from "./down.ts";
import { lastComplaints } from "./last-complaints.ts";
import { refuseUnfitMachine } from "./machine.ts";

const supervisor = fileURLToPath(import.meta.resolve("./supervisor.ts"));

export interface UpOptions {
  readonly config: ClusterConfig;
  readonly env: Environment;
  readonly clock: Clock;
  /** The cluster ends with this process. */
  readonly foreground: boolean;
  readonly signal: AbortSignal;
  /** Nothing stands against it: it is being made. */
  readonly onStart: () => Promise<void>;
}

export interface RunningCluster {
  readonly socket: string;
  /** Resolves when its sandbox is dead: somebody took it down, or it died by itself or another's hand. */
  readonly ended: Promise<"taken down" | "died">;
  /** What its daemons complained of last. */
  complaints(): string;
}

/** Resolves when every node is Ready. Where that fails nothing stays behind. */
export async function up({ config, env, clock, foreground, signal, onStart }: UpOptions): Promise<RunningCluster> {
  checkConfig(config);
  const inside = sandboxEnv(env);
  await refuseUnfitMachine({ nodeCount: config.nodeCount, env: inside, signal });
  const folder = makeFolder(config.name, env, clock.wallMs());
  let begun = false;
  try {
    await onStart();
    writeFileSync(folder.config, `${JSON.stringify(config)}\n`, { mode: 0o600 });
    begun = true;
    writeFileSync(folder.joinToken, randomBytes(32).toString("hex"), { mode: 0o600 });
    const sandbox = await startSandbox(
      {
        identityPath: folder.identity,
        logPath: join(folder.logs, "supervisor.log"),
        argv: [process.execPath, ...process.execArgv, supervisor, config.name],
        env: inside,
      },
      signal,
    );
    await nodesReady(folder, config, { clock, signal });
    if (!foreground) sandbox.letGo();
    return {
      socket: folder.socket,
      ended: sandbox.ended.then(() => (existsSync(folder.config) ? "died" : "taken down")),
      complaints: () => lastComplaints(folder.logs),
    };
  } catch (error) {
    // That goes before the sandbox ends, and the folder only after.
    const takenDown = begun && !existsSync(folder.config);
    const said = lastComplaints(folder.logs);
    await down(config.name, env);
    signal.throwIfAborted();
    if (takenDown)
      throw new AppError("cancelled", `the cluster "${config.name}" was taken down while it came up`, { cause: error });
    if (said === "" || !isAppError(error, "timeout", "internal")) throw error;
    throw new AppError(error.kind, `${error.message}. Its logs ended with:\n${said}`, { cause: error });
  }
}

const readyMs = 60_000;
/** Then what could keep the nodes away is looked at. */
const watchMs = 1_000;

interface ReadyOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

async function nodesReady(folder: ClusterFolder, config: ClusterConfig, options: ReadyOptions): Promise<void> {
  const { clock } = options;
  const deadline = AbortSignal.timeout(readyMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  using client = createRpcClient(ClusterService, { address: `unix:${folder.socket}` });
  for (;;) {
    const look = AbortSignal.timeout(watchMs);
    try {
      return await watchNodes(client, config.nodeCount, AbortSignal.any([signal, look]));
    } catch (error) {
      options.signal.throwIfAborted();
      refuseFullDisk(folder.dir);
      if (deadline.aborted) {
        throw new AppError("timeout", `the nodes were not Ready within ${readyMs / 1000} s`, {
          cause: error,
        });
      }
      // The control plane needs a moment to start.
      if (!look.aborted && !isAppError(error, "unavailable", "cancelled")) throw error;
      if (findSandbox(folder.identity) === undefined) {
        throw new AppError("internal", "the sandbox ended", { cause: error });
      }
    }
    await clock.sleep(20, signal).catch(() => {});
  }
}

async function watchNodes(client: RpcClient<typeof ClusterService>, wanted: number, signal: AbortSignal): Promise<void> {
  const ready = new Set<string>();
  const request = { kind: "Node", namespace: "", labelSelector: "", fieldSelector: "", resourceVersion: "" };
  for await (const { events } of client.watch(request, { signal })) {
    for (const { object } of events) {
      if (object?.object?.$case !== "node") continue;
      const { metadata, status } = object.object.value;
      const isReady = status?.conditions.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
      if (isReady) ready.add(metadata?.name ?? "");
      else ready.delete(metadata?.name ?? "");
    }
    if (ready.size >= wanted) return;
  }
  throw new AppError("unavailable", "the watch ended");
}

/**
 * What programs inside need, and no more: nothing secret of the user's environment reaches a pod's host. Not every root has the
 * folders of the system's programs in its PATH.
 */
export function sandboxEnv(env: Environment): Record<string, string> {
  const path = [env.PATH, "/usr/local/sbin", "/usr/sbin", "/sbin"].filter(Boolean).join(":");
  const kept = ["LANG", "NODE_COMPILE_CACHE", "NODE_V8_COVERAGE", "NODE_NO_WARNINGS"];
  const own = Object.fromEntries(kept.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  // Inside, an ordinary user is root, whose runtime folder is another.
  return { PATH: path, XDG_RUNTIME_DIR: dirname(clustersRoot(env)), ...own };
}
