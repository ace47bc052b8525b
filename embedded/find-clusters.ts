/* The clusters of this machine, as their folders tell. Those of other users may be closed to us, and what lies in them may be anything. */

import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { labelNameProblem } from "#core/names.ts";
import { findSandbox } from "#kernel/sandbox.ts";
import { allClustersRoots, clustersRoot, type Environment } from "#process/cluster-paths.ts";

export interface FoundCluster {
  readonly name: string;
  /** Whose it is. */
  readonly uid: number;
  readonly socket: string;
  /** "running" says that its sandbox lives; "closed" that we may not look. */
  readonly state: "starting" | "running" | "ending" | "closed";
  readonly startedMs: number;
}

/** In the order of their names. None of them is dead. */
export function findClusters(env: Environment, whose: "own" | "everybody's"): FoundCluster[] {
  const roots = whose === "own" ? [clustersRoot(env)] : allClustersRoots(env);
  return roots
    .flatMap((root) => namesIn(root).flatMap((name) => look(root, name)))
    .sort((a, b) => a.name.localeCompare(b.name) || a.uid - b.uid);
}

function look(root: string, name: string): FoundCluster[] {
  const dir = join(root, name);
  const folder = stat(dir);
  if (labelNameProblem(name) !== undefined || folder === "closed" || !folder?.isDirectory()) return [];
  const socket = join(dir, "api.sock");
  const found = { name, uid: folder.uid, socket, startedMs: folder.birthtimeMs };
  const identity = stat(join(dir, "sandbox"));
  if (identity === "closed") return [{ ...found, state: "closed" }];
  const config = stat(join(dir, "state", "cluster.json"));
  if (!identity?.isFile() || identity.size === 0) return config === undefined ? [] : [{ ...found, state: "starting" }];
  if (findSandbox(join(dir, "sandbox")) === undefined) return [];
  const { mtimeMs: startedMs } = identity;
  if (config === undefined) return [{ ...found, state: "ending", startedMs }];
  return [{ ...found, state: stat(socket) === undefined ? "starting" : "running", startedMs }];
}

function stat(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return "closed";
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
