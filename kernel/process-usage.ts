/* What the processes of a pid namespace use, as /proc tells. A process's time counts with that of its children that have ended and
 * were waited for, so the sum goes back only where nobody waited: for what entered the namespace from outside, and where a parent
 * ignores its children's ends. Memory is the resident sets, with the files that they map: what processes share counts for each. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { libc } from "./ffi.ts";
import { isAlive, type ProcessId, statFields } from "./processes.ts";

export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** The kernel's unit of time towards programs, on every processor that Node runs on. */
const ticksPerSecond = 100;
const passesMax = 3;

export interface StatUsage {
  readonly ticks: number;
  readonly residentPages: number;
}

/** From a line of /proc/PID/stat. */
export function parseUsage(line: string): StatUsage {
  const fields = statFields(line);
  // utime, stime, cutime, cstime; rss
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { ticks, residentPages: Number(fields[21]) };
}

/** By the pid of each namespace's first process; those that have ended are left out. */
export function readNamespaceUsage(firsts: readonly ProcessId[]): ReadonlyMap<number, ProcessUsage> {
  const byNamespace = new Map<string, number>();
  for (const { pid } of firsts.filter(isAlive)) {
    const namespace = namespaceOf(pid);
    if (namespace !== undefined) byNamespace.set(namespace, pid);
  }
  if (byNamespace.size === 0) return new Map();
  // What ends between its parent's reading and its own is in neither: then all are read again.
  let pass = readPass(byNamespace);
  for (let count = 1; pass.missedOne && count < passesMax; count++) pass = readPass(byNamespace);
  return pass.usage;
}

interface Pass {
  readonly usage: ReadonlyMap<number, ProcessUsage>;
  readonly missedOne: boolean;
}

/** Looks at every process that this one sees: a tree of children would miss what entered from outside. */
function readPass(byNamespace: ReadonlyMap<string, number>): Pass {
  const usage = new Map<number, ProcessUsage>();
  const pageBytes = libc().getpagesize();
  let missedOne = false;
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    const namespace = namespaceOf(pid);
    const first = byNamespace.get(namespace ?? "");
    const own = first === undefined ? undefined : usageOf(pid);
    if (first !== undefined && own !== undefined) {
      const { cpuSeconds, residentBytes } = usage.get(first) ?? { cpuSeconds: 0, residentBytes: 0 };
      usage.set(first, {
        cpuSeconds: cpuSeconds + own.ticks / ticksPerSecond,
        residentBytes: residentBytes + own.residentPages * pageBytes,
      });
    } else if (namespace === undefined || first !== undefined) missedOne ||= !existsSync(`/proc/${pid}`);
  }
  return { usage, missedOne };
}

function namespaceOf(pid: number | string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function usageOf(pid: string): StatUsage | undefined {
  try {
    return parseUsage(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}
