/* Serves a container's log from its file; follows it until the container's run has ended. */

import { type FSWatcher, watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { AppError } from "#core/errors.ts";
import type { Containers } from "#kernel/containers.ts";
import type { LogsStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import type { ServedStream } from "./served-stream.ts";

const frameBytesMax = 32 * 1024;

export interface LogOptions {
  readonly start: LogsStart;
  readonly pods: PodManager;
  readonly containers: Containers;
}

export function serveLogs(options: LogOptions): ServedStream {
  const closed = new AbortController();
  return { output: readLog(options, closed.signal), accept: async () => {}, close: () => closed.abort() };
}

async function* readLog(
  { start, pods, containers }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamOutput, void, undefined> {
  if (start.timestamps) throw new AppError("unimplemented", "timestamps in logs come in a later version: leave out --timestamps");
  const found = pods.find(start.namespace, start.pod, start.container);
  const path = found.logPath(start.previous ? 1 : 0);
  const opened = path === undefined ? undefined : await openIfThere(path);
  if (path === undefined || opened === undefined) {
    throw new AppError("invalid", missing(start, found.name), { reason: "BadRequest" });
  }

  await using file = opened;
  let at = start.tailLines === undefined ? 0 : await tailStart(file, start.tailLines);
  // Watched before the first read, or what is written in between would wait for the next change.
  const follow = start.follow && !start.previous;
  using changes = follow ? watchChanges([path, found.stateDir], signal) : undefined;
  for (;;) {
    // Absent: the pod went, and its folder with it.
    const over = !follow || ["exited", "absent"].includes(containers.read(found.stateDir).state);
    const changed = changes?.next();
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(frameBytesMax), 0, frameBytesMax, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      yield { frame: { $case: "stdout", value: buffer.subarray(0, bytesRead) } };
    }
    if (over || signal.aborted) break;
    await changed;
  }
  yield { frame: { $case: "exit", value: { code: 0 } } };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function missing({ pod, previous }: LogsStart, container: string): string {
  return previous
    ? `previous terminated container "${container}" in pod "${pod}" not found`
    : `container "${container}" in pod "${pod}" is waiting to start: ContainerCreating`;
}

/** Where the last `count` lines begin. */
async function tailStart(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) return size;
  const block = Buffer.allocUnsafe(frameBytesMax);
  let lines = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      // The newline that ends the last line opens none.
      if (block[i] === 0x0a && start + i < size - 1 && ++lines === count) return start + i + 1;
    }
    end = start;
  }
  return 0;
}

interface ChangeWatch extends Disposable {
  /** Resolves at the next change, and when the signal aborts. */
  next(): Promise<void>;
}

function watchChanges(paths: readonly string[], signal: AbortSignal): ChangeWatch {
  let wake = () => {};
  const notify = () => wake();
  const watchers: FSWatcher[] = paths.map((path) => watch(path, notify));
  signal.addEventListener("abort", notify, { once: true });
  return {
    next: () =>
      new Promise((resolve) => {
        if (signal.aborted) resolve();
        wake = resolve;
      }),
    [Symbol.dispose]() {
      signal.removeEventListener("abort", notify);
      for (const watcher of watchers) watcher.close();
    },
  };
}
