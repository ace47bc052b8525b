/* When the lines of a log were written. A container writes to a file that knows no times, so an index stands beside it: LOG.times,
 * records of (end, time), two doubles each, in order. A record says that the bytes before `end`, and from the record before it on, were
 * there at `time`, which is the file's own time of change: exact for a line that comes alone, and late by at most one look at the file
 * for lines that come together.
 *
 * (1) Nothing is remembered between two looks, so that an agent may be killed at any moment, and readers may look too.
 * (2) An index has at most `recordsMax` records; past that
 * every second of its older half goes, whose lines then count as later than they were. */

import {
  appendFileSync,
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";

const recordBytes = 16;
const recordsMax = 4_096;

/** Beside the log; whoever removes the one removes the other. */
export function timesPath(logPath: string): string {
  return `${logPath}.times`;
}

/** Notes the time of what is new in the log. Does nothing where the log is gone. */
export function noteTimes(logPath: string): void {
  const log = statOf(logPath);
  if (log === undefined) return;
  const path = timesPath(logPath);
  const index = lastRecord(path);
  if (index.end >= log.size) return;
  appendFileSync(path, encode(log.size, Math.max(log.mtimeMs, index.timeMs)), { mode: 0o600 });
  if (index.count + 1 > recordsMax) thin(path);
}

export interface LogTimes {
  /** Milliseconds since 1970, of the byte at this offset. */
  at(offset: number): number;
  /** The first byte that was written at `timeMs` or later. */
  offsetSince(timeMs: number): number;
}

export function readTimes(logPath: string): LogTimes {
  noteTimes(logPath);
  const bytes = readIfThere(timesPath(logPath));
  const count = Math.floor(bytes.length / recordBytes);
  const end = (i: number) => bytes.readDoubleLE(i * recordBytes);
  const timeMs = (i: number) => bytes.readDoubleLE(i * recordBytes + 8);
  /** The first record that satisfies `test`, which holds for all after it. */
  const first = (test: (i: number) => boolean): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (test(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return {
    at: (offset) =>
      count === 0
        ? 0
        : timeMs(
            Math.min(
              count - 1,
              first((i) => end(i) > offset),
            ),
          ),
    offsetSince(wantedMs) {
      const i = first((at) => timeMs(at) >= wantedMs);
      return i === 0 ? 0 : end(i - 1);
    },
  };
}

function lastRecord(path: string): { readonly end: number; readonly timeMs: number; readonly count: number } {
  const none = { end: 0, timeMs: 0, count: 0 };
  let file: number;
  try {
    file = openSync(path, "r+");
  } catch (error) {
    if (isMissing(error)) return none;
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const count = Math.floor(size / recordBytes);
    // The end of an agent, or a full disk, cut a record in two.
    if (size % recordBytes !== 0) ftruncateSync(file, count * recordBytes);
    if (count === 0) return none;
    const record = Buffer.alloc(recordBytes);
    readSync(file, record, 0, recordBytes, (count - 1) * recordBytes);
    return { end: record.readDoubleLE(0), timeMs: record.readDoubleLE(8), count };
  } finally {
    closeSync(file);
  }
}

function thin(path: string): void {
  const bytes = readFileSync(path);
  const count = Math.floor(bytes.length / recordBytes);
  const kept: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    if (i < count / 2 && i % 2 === 0) continue;
    kept.push(bytes.subarray(i * recordBytes, (i + 1) * recordBytes));
  }
  writeFileSync(`${path}.new`, Buffer.concat(kept), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function encode(end: number, timeMs: number): Buffer {
  const record = Buffer.alloc(recordBytes);
  record.writeDoubleLE(end, 0);
  record.writeDoubleLE(timeMs, 8);
  return record;
}

function statOf(path: string): { readonly size: number; readonly mtimeMs: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) return Buffer.alloc(0);
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
