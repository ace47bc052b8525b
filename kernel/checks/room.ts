/* How much of its countable things this machine still gives to this process. Infinity where there is no limit. */

import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { readText } from "../host-info.ts";

/** The tightest limit, and what sets it. */
export interface Room {
  readonly left: number;
  /** "the cgroup /sys/fs/cgroup/pids/box", "kernel.pid_max"… */
  readonly by: string;
}

/** In bytes: the machine's, or what the cgroup leaves. */
export function memoryRoom(): Room {
  const meminfo = readText("/proc/meminfo");
  const kiB = (name: string) => Number(new RegExp(`^${name}:\\s+([0-9]+)`, "m").exec(meminfo)?.[1] ?? 0);
  return tightest([
    { left: (kiB("MemAvailable") + kiB("SwapFree")) * 1024, by: "the machine" },
    ...cgroupFolders("memory").map((folder) => ({ left: cgroupMemory(folder), by: `the cgroup ${folder}` })),
  ]);
}

/** Of the whole machine; what one process may have is `processFileLimit`. */
export function machineFileRoom(): Room {
  const [used = 0, , max = Number.POSITIVE_INFINITY] = readText("/proc/sys/fs/file-nr").trim().split(/\s+/).map(Number);
  return { left: max - used, by: "fs.file-max" };
}

/** The hard limit: Node raises its soft one up to it. */
export function processFileLimit(): number {
  return hardLimit("Max open files");
}

/** Threads count as processes do. Root is free of `ulimit -u`. */
export function processRoom(uid: number): Room {
  const all = Number(/\/([0-9]+)/.exec(readText("/proc/loadavg"))?.[1] ?? 0);
  const sysctl = (path: string) => readCount(`/proc/sys/${path}`) - all;
  return tightest([
    { left: sysctl("kernel/pid_max"), by: "kernel.pid_max" },
    { left: sysctl("kernel/threads-max"), by: "kernel.threads-max" },
    ...(uid === 0 ? [] : [{ left: hardLimit("Max processes") - tasksOf(uid), by: "ulimit -u" }]),
    ...cgroupFolders("pids").map((folder) => ({
      left: readCount(join(folder, "pids.max")) - readCount(join(folder, "pids.current"), 0),
      by: `the cgroup ${folder}`,
    })),
  ]);
}

function tightest(rooms: readonly Room[]): Room {
  return rooms.reduce((tight, room) => (room.left < tight.left ? room : tight));
}

/** What it may still have: caches that nobody uses are given back. */
function cgroupMemory(folder: string): number {
  const either = (...names: string[]) => names.map((name) => readText(join(folder, name))).find((text) => text !== "") ?? "";
  const max = count(either("memory.max", "memory.limit_in_bytes"), Number.POSITIVE_INFINITY);
  const used = count(either("memory.current", "memory.usage_in_bytes"), 0);
  const idle = /^(?:total_)?inactive_file ([0-9]+)/m.exec(readText(join(folder, "memory.stat")))?.[1] ?? 0;
  return max - used + Number(idle);
}

function cgroupFolders(controller: string): string[] {
  return limitingFolders(readText("/proc/self/mountinfo"), readText("/proc/self/cgroup"), controller);
}

/**
 * The folders whose limits of this controller hold for a process, its own first; from the texts of /proc/self/mountinfo and
 * /proc/self/cgroup. Those that aren't there, as in a container that sees a part of the tree, read as without limits.
 */
export function limitingFolders(mountinfo: string, ownCgroups: string, controller: string): string[] {
  const own = ownCgroups.split("\n").map((line) => line.split(":"));
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , , mount = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    const isVersion1 = type === "cgroup" && options.split(",").includes(controller);
    if (!isVersion1 && type !== "cgroup2") return [];
    const path = own.find(([, names = ""]) => (isVersion1 ? names.split(",").includes(controller) : names === ""))?.[2] ?? "/";
    const folders: string[] = [];
    for (let at = path; at !== "/" && at !== "."; at = dirname(at)) folders.push(join(mount, at));
    return [...folders, mount];
  });
}

function hardLimit(name: string): number {
  const line = readText("/proc/self/limits")
    .split("\n")
    .find((text) => text.startsWith(name));
  return count(line?.slice(name.length).trim().split(/\s+/)[1] ?? "", Number.POSITIVE_INFINITY);
}

function tasksOf(uid: number): number {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && statSync(join("/proc", name), { throwIfNoEntry: false })?.uid === uid)
    .reduce((sum, pid) => sum + Number(/^Threads:\s+([0-9]+)/m.exec(readText(join("/proc", pid, "status")))?.[1] ?? 0), 0);
}

function readCount(path: string, absent = Number.POSITIVE_INFINITY): number {
  return count(readText(path), absent);
}

/** "max" and "unlimited" are no number. */
function count(text: string, absent: number): number {
  return /^[0-9]+\s*$/.test(text) ? Number(text) : absent;
}
