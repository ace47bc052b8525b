/* Limits of what a container's processes use together, by cgroups of version 2 or, for each controller by itself, 1. A cgroup outlives its
 * processes, and whoever made it: its name begins with that of its owner, for whom a later process sweeps.
 *
 * (1) A controller of version 1 counts only where this process is in its root: below another's cgroup one of ours would be in that one's way.
 * (2) Where there is no controller for a limit, or it can't be written, the limit is not kept: `unkeptLimits` tells. */

import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

export interface ContainerLimits {
  readonly memoryBytes?: number;
  /** Cores; may have a fraction. */
  readonly cpus?: number;
  readonly processes?: number;
}

/** Where cgroups with this controller are made. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly folder: string;
}

export type Hierarchies = ReadonlyMap<Controller, Hierarchy>;

const prefix = "podwire-";
const unjoinedMsMax = 60_000;
const periodUs = 100_000;
const quotaUsMin = 1_000;

/** From the texts of /proc/self/mountinfo and /proc/self/cgroup. What is there may still not be ours to write. */
export function findHierarchies(mountinfo: string, ownCgroups: string): Hierarchies {
  const own = new Map(
    ownCgroups.split("\n").flatMap((line) => {
      const [, names = "", path = ""] = line.split(":");
      return names.split(",").map((name) => [name, path] as const);
    }),
  );
  const found = new Map<Controller, Hierarchy>();
  const elsewhere = new Set<Controller>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const folder = before.split(" ")[4] ?? "";
    const [type, , options = ""] = after.split(" ");
    for (const controller of controllers) {
      if (type === "cgroup2" && !found.has(controller) && !elsewhere.has(controller))
        found.set(controller, { version: 2, folder });
      if (type === "cgroup" && options.split(",").includes(controller)) {
        elsewhere.add(controller);
        if (own.get(controller) === "/") found.set(controller, { version: 1, folder });
        else found.delete(controller);
      }
    }
  }
  return found;
}

let usable: Hierarchies | undefined;

function usableHierarchies(): Hierarchies {
  usable ??= new Map(
    [...findHierarchies(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync("/proc/self/cgroup", "utf8"))].filter(
      ([controller, hierarchy]) => isUsable(controller, hierarchy),
    ),
  );
  return usable;
}

function isUsable(controller: Controller, { version, folder }: Hierarchy): boolean {
  try {
    accessSync(folder, constants.W_OK);
    if (version === 1) return true;
    if (!wordsIn(join(folder, "cgroup.controllers")).includes(controller)) return false;
    const handedDown = join(folder, "cgroup.subtree_control");
    if (!wordsIn(handedDown).includes(controller)) writeFileSync(handedDown, `+${controller}`);
    return true;
  } catch {
    return false;
  }
}

function wordsIn(path: string): string[] {
  return readFileSync(path, "utf8").trim().split(/\s+/);
}

/** Those that this machine can't keep. */
export function unkeptLimits(limits: ContainerLimits): Controller[] {
  return limitedControllers(limits).filter((controller) => !usableHierarchies().has(controller));
}

function limitedControllers({ memoryBytes, cpus, processes }: ContainerLimits): Controller[] {
  const values = { memory: memoryBytes, cpu: cpus, pids: processes };
  return controllers.filter((controller) => values[controller] !== undefined);
}

export interface CgroupSpec {
  /** A path, the same for all of one owner. */
  readonly owner: string;
  /** A path of its own. */
  readonly of: string;
  readonly limits: ContainerLimits;
}

/** Makes cgroups with these limits, as far as there can be any; answers their folders. A process joins by writing itself into cgroup.procs of each. */
export function createCgroups({ owner, of, limits }: CgroupSpec): string[] {
  const name = `${prefixOf(owner)}${digest(of)}`;
  const folders = new Set<string>();
  for (const controller of limitedControllers(limits)) {
    const hierarchy = usableHierarchies().get(controller);
    if (hierarchy === undefined) continue;
    const folder = join(hierarchy.folder, name);
    mkdirSync(folder, { recursive: true });
    folders.add(folder);
    for (const [file, value] of limitFiles(controller, hierarchy.version, limits)) writeFileSync(join(folder, file), value);
  }
  return [...folders];
}

/** What is written where, for the limit that this controller keeps. */
export function limitFiles(controller: Controller, version: 1 | 2, limits: ContainerLimits): [file: string, value: string][] {
  const { memoryBytes, cpus = 0, processes } = limits;
  const quotaUs = Math.max(quotaUsMin, Math.round(cpus * periodUs));
  switch (controller) {
    case "memory":
      return [[version === 2 ? "memory.max" : "memory.limit_in_bytes", String(memoryBytes)]];
    case "cpu":
      if (version === 2) return [["cpu.max", `${quotaUs} ${periodUs}`]];
      return [
        ["cpu.cfs_period_us", String(periodUs)],
        ["cpu.cfs_quota_us", String(quotaUs)],
      ];
    case "pids":
      return [["pids.max", String(processes)]];
  }
}

/** Whether the kernel ended a process in there for want of memory. */
export function countsOomKill(folders: readonly string[]): boolean {
  return folders.some((folder) =>
    ["memory.events", "memory.oom_control"].some((file) => /^oom_kill [1-9]/m.test(readIfThere(join(folder, file)))),
  );
}

/** False where a process is left in one of them. */
export function removeCgroups(folders: readonly string[]): boolean {
  return folders.map(removeOne).every(Boolean);
}

/** Removes what is left of an owner that is dead, with all its processes. */
export function sweepCgroups(owner: string): void {
  for (const path of cgroupsOf(owner)) removeOne(path);
}

/** Those of an owner that are there. */
export function cgroupsOf(owner: string): string[] {
  return cgroupsLike(prefixOf(owner));
}

/** Removes what nobody uses, whoever left it. One that is young may be about to be joined. */
export function sweepAbandonedCgroups(nowMs: number): void {
  for (const path of cgroupsLike(prefix)) {
    const madeAtMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? nowMs;
    if (nowMs - madeAtMs > unjoinedMsMax) removeOne(path);
  }
}

function cgroupsLike(start: string): string[] {
  const folders = new Set([...usableHierarchies().values()].map(({ folder }) => folder));
  return [...folders].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.startsWith(start))
      .map((name) => join(folder, name)),
  );
}

function removeOne(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT";
  }
}

/** Empty where it isn't. */
export function readIfThere(path: string): string {
  // An error costs more than this look, and most files aren't there.
  if (!existsSync(path)) return "";
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function prefixOf(owner: string): string {
  return `${prefix}${digest(owner)}-`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
