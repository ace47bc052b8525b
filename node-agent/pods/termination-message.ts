/* A container's last words: what it wrote to its termination log, or the end of its log where that is asked for and it failed. */

import { chmodSync, closeSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { terminationLogOf } from "#kernel/container-mounts.ts";
import type { ContainerMount } from "#kernel/containers.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";
import type { ContainerFolder } from "./container-folders.ts";

const messageBytesMax = 4_096;
const logBytesMax = 2_048;
const logLinesMax = 80;
const defaultPath = "/dev/termination-log";

/** Where another path than the usual was asked for. */
export function terminationLogMounts({ terminationMessagePath: target = "" }: Container, stateDir: string): ContainerMount[] {
  return target === "" || target === defaultPath ? [] : [{ source: terminationLogOf(stateDir), target, readOnly: false }];
}

/** For whatever user the container runs as. */
export function prepareTerminationLog(stateDir: string): void {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(terminationLogOf(stateDir), "");
  chmodSync(terminationLogOf(stateDir), 0o666);
}

export function terminationMessage(
  container: Container,
  folder: ContainerFolder,
  run: number,
  exitCode: number,
): string | undefined {
  const own = readStart(terminationLogOf(folder.stateDir(run)));
  if (own !== "") return own;
  if (exitCode === 0 || container.terminationMessagePolicy !== "FallbackToLogsOnError") return undefined;
  const lines = folder.tail(run).split("\n").slice(-logLinesMax).join("\n");
  return Buffer.from(lines).subarray(-logBytesMax).toString() || undefined;
}

/** The container may have written gigabytes. */
function readStart(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const buffer = Buffer.alloc(messageBytesMax);
    return buffer.subarray(0, readSync(file, buffer, 0, messageBytesMax, 0)).toString();
  } finally {
    closeSync(file);
  }
}
