/* The standard input of a container whose spec has `stdin`: a pipe, into which whoever attaches writes by way of /proc, since its
 * reading end is container.sh's too.
 *   lasting   the container's own descriptor is open for both directions, so its input never ends
 *   once      a process beside the container (stdio.sh) holds the writing end open until somebody attaches. From then on he is the
 *             only one who writes: when he has ended, or is gone, or his agent is killed, the input has ended, and nobody else has to do it
 *
 * STATE/stdin is the named pipe by which that process is told. When it has been told it reads no more, by which a later one knows. */

import { closeSync, constants, existsSync, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { AppError } from "#core/errors.ts";
import { createNamedPipe, openPipe, openWriter } from "./pipes.ts";
import { isAlive, type ProcessId } from "./processes.ts";

export type InputKind = "lasting" | "once";

export interface ContainerInput {
  /** The container's descriptor. */
  readonly inside: number;
  /** stdio.sh's 6, 7 and 8, where it has something to do. */
  readonly beside: readonly number[];
}

/** What is made here is the caller's to close. */
export function createInput(stateDir: string, kind: InputKind): ContainerInput {
  const { reader, writer } = openPipe();
  if (kind === "once") {
    const told = createNamedPipe(toldPath(stateDir));
    return { inside: reader, beside: [writer, told.reader, told.writer] };
  }
  const inside = openSync(`/proc/self/fd/${reader}`, constants.O_RDWR);
  closeSync(reader);
  closeSync(writer);
  return { inside, beside: [] };
}

/** For one who attaches to the container whose first process that is. Undefined where its input has had its only writer already. */
export function openInput(stateDir: string, init: ProcessId): Writable | undefined {
  const descriptor = openFirst(init);
  try {
    if (!fstatSync(descriptor).isFIFO()) {
      throw new AppError("failed-precondition", "the container has no standard input: its spec lacks stdin: true");
    }
    // Opened before it tells: without a writer in between the input would end.
    if (existsSync(toldPath(stateDir)) && !tell(stateDir)) {
      closeSync(descriptor);
      return undefined;
    }
    return new Socket({ fd: descriptor, readable: false, writable: true });
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openFirst(init: ProcessId): number {
  const notRunning = (cause?: unknown) => new AppError("failed-precondition", "the container is not running", { cause });
  let descriptor: number;
  try {
    descriptor = openSync(`/proc/${init.pid}/fd/0`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw notRunning(error);
  }
  // Or the number may be another's by now.
  if (isAlive(init)) return descriptor;
  closeSync(descriptor);
  throw notRunning();
}

/** False where it was told before. */
function tell(stateDir: string): boolean {
  const told = openWriter(toldPath(stateDir));
  if (told === undefined) return false;
  try {
    writeSync(told, "\n");
  } finally {
    closeSync(told);
  }
  return true;
}

function toldPath(stateDir: string): string {
  return join(stateDir, "stdin");
}
