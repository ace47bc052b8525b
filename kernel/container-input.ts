/* The standard input of a container whose spec has `stdin: true`: a named pipe in its folder, so that it outlives the agent. The
 * container's own descriptor is open for both directions, so its input never ends: it waits for whoever attaches next. */

import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";
import koffi from "koffi";
import { AppError } from "#core/errors.ts";
import { errno, systemCallFailed } from "./ffi.ts";

let mkfifoCall: ((path: string, mode: number) => number) | undefined;

/** A descriptor for the container to start with. */
export function createInput(stateDir: string): number {
  mkfifoCall ??= koffi.load(null).func("int mkfifo(const char *path, unsigned int mode)") as typeof mkfifoCall & {};
  const path = inputPath(stateDir);
  if (mkfifoCall(path, 0o600) !== 0) throw systemCallFailed("internal", `mkfifo ${path}`, errno());
  return openSync(path, constants.O_RDWR);
}

/** For one who attaches; the container's input goes on when it is closed. */
export function openInput(stateDir: string): Writable {
  let descriptor: number;
  try {
    descriptor = openSync(inputPath(stateDir), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") {
      throw new AppError("failed-precondition", "the container has no standard input: its spec lacks stdin: true", {
        cause: error,
      });
    }
    if (code === "ENXIO") throw new AppError("failed-precondition", "the container is not running", { cause: error });
    throw error;
  }
  try {
    return new Socket({ fd: descriptor, readable: false, writable: true });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function inputPath(stateDir: string): string {
  return join(stateDir, "stdin");
}
