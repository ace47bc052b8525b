/* Where a cluster of this machine keeps its files: one folder a cluster, named after it. Whoever sees the folder's socket
 * reaches the cluster, from any network namespace. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "#core/errors.ts";
import { labelNameProblem } from "#core/names.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ClusterPaths {
  readonly dir: string;
  /** The control plane's Unix socket (mode 0600). */
  readonly socket: string;
  /** What `up` leaves for `down` and for a second `up`. */
  readonly state: string;
  /** The folder of the daemons' logs. */
  readonly logs: string;
}

/** `${XDG_RUNTIME_DIR:-/run}/podwire`: the folder of all clusters' folders. */
export function clustersRoot(env: Environment): string {
  return join(env.XDG_RUNTIME_DIR || "/run", "podwire");
}

/** Throws "invalid" where `name` is no DNS label: it becomes a folder's name. */
export function clusterPaths(name: string, env: Environment): ClusterPaths {
  const problem = labelNameProblem(name);
  if (problem !== undefined) throw invalid(`${JSON.stringify(name)} can't be a cluster's name: ${problem}`);
  const dir = join(clustersRoot(env), name);
  return { dir, socket: join(dir, "api.sock"), state: join(dir, "state"), logs: join(dir, "logs") };
}

/** The names, in order, of the clusters that have a socket. Some may be dead: only a connection tells. */
export function listClusters(env: Environment): string[] {
  const root = clustersRoot(env);
  return namesIn(root)
    .filter((name) => isSocket(join(root, name, "api.sock")))
    .sort();
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isSocket(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}
