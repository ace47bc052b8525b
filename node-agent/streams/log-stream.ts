/* Serves a container's log from its file; follows it until the container's run has ended. What a rotation has taken away before it was
 * read is passed over: a reader may lag behind by 50 MiB. */

import { watch } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "#core/clock.ts";
import { AppError, invalid } from "#core/errors.ts";
import type { Containers } from "#kernel/containers.ts";
import type { LogsStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { FoundContainer } from "../pods/found-container.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import { frameBytesMax, slices } from "./bytes.ts";
import { lineStart, tailStart } from "./log-lines.ts";
import type { LogReader, LogReaders } from "./log-readers.ts";
import { firstKept } from "./log-rotation.ts";
import { type LogTimes, readTimes } from "./log-times.ts";
import type { ServedStream } from "./served-stream.ts";

export interface LogOptions {
  readonly start: LogsStart;
  readonly pods: PodManager;
  readonly containers: Containers;
  readonly readers: LogReaders;
  readonly clock: Clock;
  /** The first byte, where it is known. */
  readonly from?: number;
}

export function serveLogs(options: LogOptions): ServedStream {
  const closed = new AbortController();
  return { output: readLog(options, closed.signal), accept: async () => {}, close: () => closed.abort() };
}

async function* readLog(
  { start, pods, containers, readers, clock, from }: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<StreamOutput, void, undefined> {
  const found = pods.find(start.namespace, start.pod, start.container);
  const path = found.logPath(start.previous ? 1 : 0);
  const opened = path === undefined ? undefined : await openIfThere(path);
  if (path === undefined || opened === undefined) {
    throw new AppError("invalid", missing(start, found.name), { reason: "BadRequest" });
  }
  await using file = opened;
  using reader = readers.enter(path);
  const follow = start.follow && !start.previous;
  const isOver = () => !follow || ["exited", "absent"].includes(containers.read(found.stateDir).state);
  let left = start.limitBytes ?? Number.POSITIVE_INFINITY;
  const stamp = start.timestamps ? createStamper() : undefined;
  for await (const { bytes, at } of chunksOf({
    file,
    path,
    found,
    start,
    reader,
    containers,
    clock,
    from,
    isOver,
    follow,
    signal,
  })) {
    const text = stamp === undefined ? bytes : stamp(bytes, at, readTimes(path));
    for (const part of slices(text)) {
      const value = part.subarray(0, left);
      if (value.length === 0) break;
      left -= value.length;
      yield { frame: { $case: "stdout", value } };
    }
    if (left <= 0) break;
  }
  yield { frame: { $case: "exit", value: { code: 0 } } };
}

interface Reading {
  readonly file: FileHandle;
  readonly path: string;
  readonly found: FoundContainer;
  readonly start: LogsStart;
  readonly reader: LogReader;
  readonly containers: Containers;
  readonly clock: Clock;
  readonly from: number | undefined;
  readonly isOver: () => boolean;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

interface Chunk {
  readonly bytes: Buffer;
  readonly at: number;
}

async function* chunksOf(reading: Reading): AsyncGenerator<Chunk, void, undefined> {
  const { file, path, found, reader, containers, isOver, follow, signal } = reading;
  // Watched before the first read, or what is written in between would wait for the next change.
  using changes = follow ? watchChanges({ path, ended: (left) => containers.exited(found.stateDir, left), signal }) : undefined;
  reader.at = await firstByte(reading);
  for (;;) {
    // Absent: the pod went, and its folder with it.
    const over = isOver();
    const changed = changes?.next();
    for await (const chunk of readOn(file, path, reader.at)) {
      yield chunk;
      reader.at = chunk.at + chunk.bytes.length;
    }
    if (over || signal.aborted) return;
    await changed;
  }
}

/** kubectl's order: so many lines from the end, and of them those that are new enough. */
async function firstByte({ file, path, start, clock, from }: Reading): Promise<number> {
  if (from !== undefined) return from;
  const sinceMs = sinceOf(start, clock);
  const first = firstKept(path);
  const tail = start.tailLines === undefined ? first : await tailStart(file, start.tailLines, first);
  if (sinceMs === undefined) return tail;
  return Math.max(tail, await lineStart(file, readTimes(path).offsetSince(sinceMs), first));
}

function sinceOf({ sinceSeconds, sinceTime }: LogsStart, clock: Clock): number | undefined {
  if (sinceTime !== undefined) {
    const ms = Date.parse(sinceTime);
    if (Number.isNaN(ms)) throw invalid(`sinceTime: "${sinceTime}" is no time (want RFC 3339, such as 2030-01-02T15:04:05Z)`);
    return ms;
  }
  return sinceSeconds === undefined ? undefined : clock.wallMs() - sinceSeconds * 1000;
}

async function* readOn(file: FileHandle, path: string, from: number): AsyncGenerator<Chunk, void, undefined> {
  for (let at = from; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(frameBytesMax), 0, frameBytesMax, at);
    if (bytesRead === 0) return;
    // Asked after the read: what was still there then was no hole.
    const first = firstKept(path);
    if (at < first) {
      at = first;
      continue;
    }
    yield { bytes: buffer.subarray(0, bytesRead), at };
    at += bytesRead;
  }
}

/** Puts the time before each line; a line that comes in pieces gets one. */
function createStamper(): (bytes: Buffer, at: number, times: LogTimes) => Buffer {
  let inLine = false;
  return (bytes, at, times) => {
    const parts: Buffer[] = [];
    for (let from = 0; from < bytes.length; ) {
      const newline = bytes.indexOf(0x0a, from);
      const end = newline === -1 ? bytes.length : newline + 1;
      if (!inLine) parts.push(Buffer.from(`${new Date(times.at(at + from)).toISOString()} `));
      parts.push(bytes.subarray(from, end));
      inLine = newline === -1;
      from = end;
    }
    return Buffer.concat(parts);
  };
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

interface WatchOptions {
  readonly path: string;
  /** Resolves at the end of who writes there; what is in the file by then is all. */
  ended(signal: AbortSignal): Promise<void>;
  readonly signal: AbortSignal;
}

interface ChangeWatch extends Disposable {
  /** Resolves at the next change, at the end, and when the signal aborts. */
  next(): Promise<void>;
}

function watchChanges({ path, ended, signal }: WatchOptions): ChangeWatch {
  const left = new AbortController();
  const enough = AbortSignal.any([signal, left.signal]);
  let wake = () => {};
  let over = false;
  const watcher = watch(path, () => wake());
  const end = () => {
    over = true;
    wake();
  };
  ended(enough).then(end, end);
  return {
    next: () =>
      new Promise((resolve) => {
        if (over) resolve();
        wake = resolve;
      }),
    [Symbol.dispose]() {
      left.abort();
      watcher.close();
    },
  };
}
