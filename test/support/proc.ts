/* What runs, as /proc tells: the processes of a cluster, and what a cluster left behind. */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { descendantsOf } from "#kernel/processes.ts";

export interface ProcessInfo {
  readonly pid: number;
  readonly argv: readonly string[];
}

export function processInfo(pid: number): ProcessInfo {
  return { pid, argv: read(`/proc/${pid}/cmdline`).split("\0").slice(0, -1) };
}

/** Every process below `pid`. */
export function processesBelow(pid: number): ProcessInfo[] {
  return descendantsOf(pid).map(processInfo);
}

export function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

/**
 * Everything in the tests' own namespaces that belongs to a cluster, in words: processes in a deeper pid namespace or with a network
 * namespace that isn't ours, named network namespaces, devices. Empty where no cluster is up.
 */
export function clusterTraces(): string[] {
  const own = { depth: depthOf("self"), net: link("/proc/self/ns/net") };
  const processes = allPids().flatMap((pid) => {
    const strange = depthOf(pid) > own.depth || (link(`/proc/${pid}/ns/net`) ?? own.net) !== own.net;
    return strange ? [`process ${pid}: ${processInfo(pid).argv.join(" ")}`] : [];
  });
  const named = readdirSync("/run/netns").map((name) => `network namespace ${name}`);
  const devices = read("/proc/self/net/dev")
    .split("\n")
    .flatMap((line) => /^ *([^:]+):/.exec(line)?.[1] ?? [])
    .filter((name) => name !== "lo");
  return [...processes, ...named, ...devices.map((name) => `device ${name}`)];
}

/** In how many pid namespaces the process has a number, from ours on down. */
function depthOf(pid: number | "self"): number {
  const ids = /^NSpid:\t(.*)$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return ids === undefined ? 0 : ids.split("\t").length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
