/* Pipes whose both ends are descriptors for programs to start with, so that they outlive whoever made them. */

import { closeSync, constants, openSync } from "node:fs";
import { allocateMemory, errno, libc, systemCallFailed } from "./ffi.ts";

export interface Pipe {
  readonly reader: number;
  readonly writer: number;
}

const closeOnExec = 0o2000000;

export function openPipe(): Pipe {
  const ends = allocateMemory(8);
  if (libc().pipe2(ends.address, closeOnExec) !== 0) throw systemCallFailed("internal", "pipe", errno());
  return { reader: ends.bytes.readInt32LE(0), writer: ends.bytes.readInt32LE(4) };
}

/** One that is found again by its name. */
export function createNamedPipe(path: string): Pipe {
  if (libc().mkfifo(path, 0o600) !== 0) throw systemCallFailed("internal", `mkfifo ${path}`, errno());
  // Either end alone would wait for the other to be opened.
  const both = openSync(path, constants.O_RDWR);
  try {
    return { reader: openSync(path, constants.O_RDONLY), writer: openSync(path, constants.O_WRONLY) };
  } finally {
    closeSync(both);
  }
}

/** A writing end of a named pipe; undefined where nobody reads it, or it is gone. */
export function openWriter(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENXIO" || code === "ENOENT") return undefined;
    throw error;
  }
}
