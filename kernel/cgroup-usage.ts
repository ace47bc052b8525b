/* What cgroups count of the processes that are or were in them, in the files of version 2 or 1. */

import { join } from "node:path";
import { readIfThere } from "./cgroups.ts";

export interface CgroupUsage {
  /** Undefined where no controller counts it. */
  readonly cpuSeconds: number | undefined;
  readonly workingSetBytes: number | undefined;
}

/** Of one container, whose controllers may be in several folders. */
export function readCgroupUsage(folders: readonly string[]): CgroupUsage {
  return { cpuSeconds: firstKnown(folders, cpuSecondsIn), workingSetBytes: firstKnown(folders, workingSetIn) };
}

/** Version 1 has a cpu.stat too, without the time. */
function cpuSecondsIn(folder: string): number | undefined {
  const micros = valueAfter("usage_usec", readIfThere(join(folder, "cpu.stat")));
  if (micros !== undefined) return micros / 1e6;
  const nanos = wholeNumber(readIfThere(join(folder, "cpuacct.usage")));
  return nanos === undefined ? undefined : nanos / 1e9;
}

function workingSetIn(folder: string): number | undefined {
  const version2 = wholeNumber(readIfThere(join(folder, "memory.current")));
  const used = version2 ?? wholeNumber(readIfThere(join(folder, "memory.usage_in_bytes")));
  if (used === undefined) return undefined;
  const inactive = version2 === undefined ? "total_inactive_file" : "inactive_file";
  return Math.max(0, used - (valueAfter(inactive, readIfThere(join(folder, "memory.stat"))) ?? 0));
}

function firstKnown(folders: readonly string[], read: (folder: string) => number | undefined): number | undefined {
  for (const folder of folders) {
    const value = read(folder);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Of a line `KEY VALUE`. */
function valueAfter(key: string, text: string): number | undefined {
  return wholeNumber(new RegExp(`^${key} ([0-9]+)$`, "m").exec(text)?.[1] ?? "");
}

function wholeNumber(text: string): number | undefined {
  return /^[0-9]+\n?$/.test(text) ? Number(text) : undefined;
}
