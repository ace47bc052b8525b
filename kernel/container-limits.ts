/* A container's cgroups, from its start to its last trace: STATE/cgroups names them while there are any, and STATE/oom is there where the
 * kernel ended a process of it for want of memory. */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { type ContainerLimits, countsOomKill, createCgroups, removeCgroups } from "./cgroups.ts";

const script = join(import.meta.dirname, "join.sh");
const removalMs = 1_000;
const pollMs = 5;

/** Their folders, for container.sh to join. */
export function beginLimits(stateDir: string, owner: string, limits: ContainerLimits): string[] {
  const folders = createCgroups({ owner, of: stateDir, limits });
  if (folders.length > 0) writeFileSync(cgroupsPath(stateDir), JSON.stringify(folders));
  return folders;
}

/** The call of a program that is to have the container's limits. */
export function limited(stateDir: string, argv: readonly string[]): readonly string[] {
  const folders = cgroupsOf(stateDir);
  return folders.length === 0 ? argv : ["sh", script, folders.join(" "), ...argv];
}

/** Of a container that has exited. Also removes its cgroups, once their last process is gone. */
export function wasOomKilled(stateDir: string): boolean {
  const folders = cgroupsOf(stateDir);
  if (countsOomKill(folders)) writeFileSync(oomPath(stateDir), "");
  if (folders.length > 0 && removeCgroups(folders)) rmSync(cgroupsPath(stateDir), { force: true });
  return existsSync(oomPath(stateDir));
}

/** What a container that has exited leaves is gone in a moment; what isn't is swept later. */
export async function endLimits(stateDir: string, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < removalMs; waitedMs += pollMs) {
    wasOomKilled(stateDir);
    if (!existsSync(cgroupsPath(stateDir))) return;
    await sleepFor(pollMs, undefined, { signal });
  }
}

/** Of a container's cgroups, while it has any. */
export function cgroupsOf(stateDir: string): string[] {
  try {
    return JSON.parse(readFileSync(cgroupsPath(stateDir), "utf8"));
  } catch {
    return [];
  }
}

function cgroupsPath(stateDir: string): string {
  return join(stateDir, "cgroups");
}

function oomPath(stateDir: string): string {
  return join(stateDir, "oom");
}
