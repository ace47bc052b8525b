/* Where a cluster of this machine keeps its files: one folder a cluster, named after it. Whoever sees the folder's socket
 * reaches the cluster, from any network namespace. */

import { lstatSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { AppError, invalid } from "#core/errors.ts";
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

/** The folder of all clusters' folders of this user. */
export function clustersRoot(env: Environment): string {
  return join(runtimeFolder(env, process.getuid?.() ?? 0), "podwire");
}

/**
 * $XDG_RUNTIME_DIR; else /run for root and, for another user, what the system made for that user's sessions. Where there are none (a
 * cron job, a container, `su`), a folder in /tmp. Anybody could have made that one before: then this throws "failed-precondition".
 */
export function runtimeFolder(env: Environment, uid: number): string {
  // A relative one is to be ignored, as its specification says.
  if (isAbsolute(env.XDG_RUNTIME_DIR ?? "")) return env.XDG_RUNTIME_DIR ?? "";
  if (uid === 0) return "/run";
  const ofSession = `/run/user/${uid}`;
  if (ownership(ofSession, uid) === "private") return ofSession;
  const own = `/tmp/podwire-${uid}`;
  if (ownership(own, uid) !== "foreign") return own;
  throw new AppError(
    "failed-precondition",
    `${own} is not yours alone, so a cluster's files can't be kept there: remove it, or set XDG_RUNTIME_DIR to a folder of your own`,
  );
}

/** Of every user, wherever `runtimeFolder` may have put them. Some may be missing or closed to us. */
export function allClustersRoots(env: Environment): string[] {
  const ofOthers = [
    ...namesIn("/run/user").map((uid) => join("/run/user", uid)),
    ...namesIn("/tmp").flatMap((name) => (/^podwire-[0-9]+$/.test(name) ? [join("/tmp", name)] : [])),
  ];
  return [...new Set([clustersRoot(env), ...["/run", ...ofOthers].map((folder) => join(folder, "podwire"))])];
}

function ownership(path: string, uid: number): "absent" | "private" | "foreign" {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return "absent";
  return found.isDirectory() && found.uid === uid && (found.mode & 0o022) === 0 ? "private" : "foreign";
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
    .filter((name) => labelNameProblem(name) === undefined && isSocket(join(root, name, "api.sock")))
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
