/* A cluster's folder on disk, who owns it, and whether it lives. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError, invalid, messageOf } from "#core/errors.ts";
import { sweepAbandonedCgroups, sweepCgroups } from "#kernel/cgroups.ts";
import type { ProcessId } from "#kernel/processes.ts";
import { findSandbox, writeIdentity } from "#kernel/sandbox.ts";
import { type ClusterPaths, clusterPaths, clustersRoot, type Environment } from "#process/cluster-paths.ts";
import { refuseFullDisk } from "./disk-space.ts";

export interface ClusterFolder extends ClusterPaths {
  /** Written by the sandbox's first process. */
  readonly identity: string;
  /** Names the process that starts the sandbox. */
  readonly starter: string;
  readonly config: string;
  readonly joinToken: string;
  readonly data: string;
  /** The Unix socket (mode 0600) on which the cluster's hosts are added, stopped, started… */
  readonly hostSocket: string;
}

/** unix(7): 108, with the end. */
const socketPathBytesMax = 107;
/** Who makes a folder needs a moment to say so in it. */
const bornMs = 10_000;
/** No cluster's name begins like this. */
const doomedPrefix = ".";
const removal = { recursive: true, force: true, maxRetries: 3 } as const;

export function clusterFolder(name: string, env: Environment): ClusterFolder {
  const paths = clusterPaths(name, env);
  return {
    ...paths,
    identity: join(paths.dir, "sandbox"),
    starter: join(paths.dir, "starter"),
    config: join(paths.state, "cluster.json"),
    joinToken: join(paths.state, "join-token"),
    data: join(paths.state, "control-plane"),
    hostSocket: join(paths.dir, "hosts.sock"),
  };
}

/** "already-exists" where a cluster of that name runs; "exhausted" where there is no room, "failed-precondition" where we may not write. */
export function makeFolder(name: string, env: Environment, nowMs: number): ClusterFolder {
  const folder = clusterFolder(name, env);
  refuseLongPath(folder.socket);
  sweepDead(env, nowMs);
  makeRoot(env);
  try {
    mkdirSync(folder.dir, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw cannotWrite(dirname(folder.dir), error);
    const state = findSandbox(folder.identity) === undefined ? "on its way up" : "up";
    throw new AppError(
      "already-exists",
      `a cluster named "${name}" is ${state}: use it, end it with \`podwire down --name ${name}\`, or choose another --name`,
      { cause: error },
    );
  }
  writeIdentity(folder.starter);
  for (const path of [folder.state, folder.logs, folder.data]) mkdirSync(path, { mode: 0o700 });
  return folder;
}

/** What a host has on disk, and what its agent logs. */
export function hostFolder({ state, logs }: ClusterPaths, name: string): { readonly disk: string; readonly log: string } {
  return { disk: join(state, name), log: join(logs, `${name}.log`) };
}

function refuseLongPath(socket: string): void {
  const length = Buffer.byteLength(socket);
  if (length <= socketPathBytesMax) return;
  throw invalid(
    `${socket} is ${length} bytes long, and a socket's path at most ${socketPathBytesMax}: choose a shorter --name or XDG_RUNTIME_DIR`,
  );
}

function makeRoot(env: Environment): void {
  const root = clustersRoot(env);
  try {
    mkdirSync(root, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw cannotWrite(root, error);
  }
  // Between the look and the making somebody else may have made it.
  clustersRoot(env);
  refuseFullDisk(root);
}

function cannotWrite(root: string, cause: unknown): AppError {
  const message = `clusters can't be kept in ${root} (${messageOf(cause)}): set XDG_RUNTIME_DIR to a folder of your own`;
  return new AppError("failed-precondition", message, { cause });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function livingSandbox(name: string, env: Environment): ProcessId | undefined {
  return findSandbox(clusterFolder(name, env).identity);
}

/** Removes the folders of clusters whose sandbox is dead, or was never started by who is dead now. */
export function sweepDead(env: Environment, nowMs: number): void {
  sweepAbandonedCgroups(nowMs);
  sweepDoomed(env);
  const root = clustersRoot(env);
  for (const name of foldersIn(root)) {
    const dir = join(root, name);
    const folder = statSync(dir, { throwIfNoEntry: false });
    // Another command swept it meanwhile.
    if (folder === undefined) continue;
    const named = [join(dir, "sandbox"), join(dir, "starter")].find(hasWords);
    const isDead = named === undefined ? nowMs - folder.mtimeMs > bornMs : findSandbox(named) === undefined;
    if (isDead) removeFolder(dir);
  }
}

/** Ends the removals that were broken off. */
export function sweepDoomed(env: Environment): void {
  const root = clustersRoot(env);
  for (const name of foldersIn(root)) if (name.startsWith(doomedPrefix)) rmSync(join(root, name), removal);
}

function foldersIn(root: string): string[] {
  return existsSync(root) ? readdirSync(root) : [];
}

/** A file without a word in it is about to get one. */
function hasWords(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Of a cluster that is dead. */
export function removeFolder(dir: string): void {
  sweepCgroups(dir);
  // As a whole and at once: half of a folder would look like one that is being made.
  const doomed = join(dirname(dir), `${doomedPrefix}${basename(dir)}-${process.pid}`);
  rmSync(doomed, removal);
  try {
    renameSync(dir, doomed);
  } catch (error) {
    // Another command did it meanwhile.
    if (hasCode(error, "ENOENT")) return;
    throw error;
  }
  rmSync(doomed, removal);
}
