/* A cluster's folder on disk, who owns it, and whether it lives. */

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "#core/errors.ts";
import { sweepAbandonedCgroups, sweepCgroups } from "#kernel/cgroups.ts";
import type { ProcessId } from "#kernel/processes.ts";
import { findSandbox } from "#kernel/sandbox.ts";
import { type ClusterPaths, clusterPaths, clustersRoot, type Environment } from "#process/cluster-paths.ts";

export interface ClusterFolder extends ClusterPaths {
  /** Written by the sandbox's first process. */
  readonly identity: string;
  readonly config: string;
  readonly joinToken: string;
  readonly data: string;
  /** The Unix socket (mode 0600) on which the cluster's hosts are added, stopped, started… */
  readonly hostSocket: string;
}

/** `up` needs a moment between making the folder and starting the sandbox. */
const bornMs = 10_000;

export function clusterFolder(name: string, env: Environment): ClusterFolder {
  const paths = clusterPaths(name, env);
  return {
    ...paths,
    identity: join(paths.dir, "sandbox"),
    config: join(paths.state, "cluster.json"),
    joinToken: join(paths.state, "join-token"),
    data: join(paths.state, "control-plane"),
    hostSocket: join(paths.dir, "hosts.sock"),
  };
}

/** "already-exists" where a cluster of that name runs. */
export function makeFolder(name: string, env: Environment, nowMs: number): ClusterFolder {
  const folder = clusterFolder(name, env);
  sweepDead(env, nowMs);
  mkdirSync(dirname(folder.dir), { recursive: true, mode: 0o755 });
  try {
    mkdirSync(folder.dir, { mode: 0o700 });
  } catch (error) {
    const state = findSandbox(folder.identity) === undefined ? "on its way up" : "up";
    throw new AppError(
      "already-exists",
      `a cluster named "${name}" is ${state}: use it, end it with \`podwire down --name ${name}\`, or choose another --name`,
      { cause: error },
    );
  }
  for (const path of [folder.state, folder.logs, folder.data]) mkdirSync(path, { mode: 0o700 });
  return folder;
}

/** What a host has on disk, and what its agent logs. */
export function hostFolder({ state, logs }: ClusterPaths, name: string): { readonly disk: string; readonly log: string } {
  return { disk: join(state, name), log: join(logs, `${name}.log`) };
}

export function livingSandbox(name: string, env: Environment): ProcessId | undefined {
  return findSandbox(clusterFolder(name, env).identity);
}

/** Removes the folders of clusters whose sandbox is dead; one without a sandbox yet gets a moment to start it. */
export function sweepDead(env: Environment, nowMs: number): void {
  sweepAbandonedCgroups(nowMs);
  const root = clustersRoot(env);
  if (!existsSync(root)) return;
  for (const name of readdirSync(root)) {
    const dir = join(root, name);
    const identity = join(dir, "sandbox");
    const folder = statSync(dir, { throwIfNoEntry: false });
    // Another command swept it meanwhile.
    if (folder === undefined) continue;
    // A file without a word in it is about to get one.
    const began = (statSync(identity, { throwIfNoEntry: false })?.size ?? 0) > 0 || nowMs - folder.mtimeMs > bornMs;
    if (began && findSandbox(identity) === undefined) removeFolder(dir);
  }
}

/** Of a cluster that is dead. */
export function removeFolder(dir: string): void {
  sweepCgroups(dir);
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}
