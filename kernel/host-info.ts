/* What a node says of the machine that it stands for. */

import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem } from "node:os";

export interface HostInfo {
  readonly machineId: string;
  /** New at each boot of the machine. */
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly architecture: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
}

export function readHostInfo(): HostInfo {
  const osRelease = readText("/etc/os-release");
  return {
    machineId: readText("/etc/machine-id").trim(),
    bootId: readText("/proc/sys/kernel/random/boot_id").trim(),
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? "Linux",
    architecture: arch() === "x64" ? "amd64" : arch(),
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
  };
}

/** Empty where it can't be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
