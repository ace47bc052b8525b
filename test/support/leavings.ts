/* What a cluster could leave on the machine, in words: compared before and after. `clusterTraces` has what is in nobody's folder. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupsOf } from "#kernel/cgroups.ts";
import { identify, type ProcessId } from "#kernel/processes.ts";
import { allPids, clusterTraces, processInfo } from "./proc.ts";

/** What there is of a cluster whose runtime folder is `home`. */
export function leavingsOf(name: string, home: string): string[] {
  const root = join(home, "podwire");
  return [
    ...processesOf(home).map(({ pid }) => `process ${pid}: ${processInfo(pid).argv.join(" ")}`),
    ...filesIn(root).map((file) => `file ${file}`),
    ...cgroupsOf(join(root, name)).map((path) => `cgroup ${path}`),
  ];
}

/** What there is of any cluster: strange processes and network namespaces, devices, mounts. */
export function machineTraces(): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [...clusterTraces(), ...mounts.map((line) => `mount ${line.split(" ")[4]}`).sort()];
}

/** Those that there were not before. */
export function tracesSince(before: readonly string[]): string[] {
  const known = [...before];
  return machineTraces().filter((trace) => {
    const place = known.indexOf(trace);
    if (place >= 0) known.splice(place, 1);
    return place < 0;
  });
}

/** All of a cluster, the CLI too: they inherit the variable. Containers don't, and end with the others. */
export function processesOf(home: string): ProcessId[] {
  return allPids().flatMap((pid) => (environmentOf(pid).includes(`XDG_RUNTIME_DIR=${home}`) ? (identify(pid) ?? []) : []));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  } catch {
    return [];
  }
}
