/* Keeps a container's log from growing without bound. It is appended to at any moment, so nothing is
 * moved: when 20 MiB are there, all but the newest 10 MiB become a hole. Every byte keeps its offset, so readers and the index of times
 * go on as if nothing had happened, and no line that is kept is ever anywhere else. What somebody has yet to read stays, up to 50 MiB.
 *
 * LOG.begin says where the kept part begins. It is written before the hole is made: an agent that is killed between the two leaves
 * bytes that nobody reads, which the next rotation gives back. */

import { closeSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";
import { punchHole } from "#kernel/punch-hole.ts";

const rotateBytes = 20 * 1024 * 1024;
const keepBytes = 10 * 1024 * 1024;
const keepForReadersBytes = 50 * 1024 * 1024;
/** A line that is longer is cut in two. */
const lineBytesMax = 64 * 1024;

function beginPath(logPath: string): string {
  return `${logPath}.begin`;
}

/** The first byte that is kept: the beginning of a line. */
export function firstKept(logPath: string): number {
  try {
    return Number(readFileSync(beginPath(logPath), "utf8"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}

/** Does nothing to a log that is short, or gone. `slowest` is the first byte that somebody has yet to read. */
export function rotateLog(logPath: string, slowest = Number.POSITIVE_INFINITY): void {
  const size = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const before = firstKept(logPath);
  if (size - before <= rotateBytes) return;
  const cut = Math.max(size - keepForReadersBytes, Math.min(size - keepBytes, slowest));
  if (cut - before < rotateBytes - keepBytes) return;
  const begin = lineBefore(logPath, cut);
  writeFileSync(`${beginPath(logPath)}.new`, String(begin), { mode: 0o600 });
  renameSync(`${beginPath(logPath)}.new`, beginPath(logPath));
  punchHole(logPath, begin);
}

/** The beginning of the line in which `offset` lies. */
function lineBefore(path: string, offset: number): number {
  const file = openSync(path, "r");
  try {
    const start = Math.max(0, offset - lineBytesMax);
    const block = Buffer.allocUnsafe(offset - start);
    const length = readSync(file, block, 0, block.length, start);
    const newline = block.subarray(0, length).lastIndexOf(0x0a);
    return newline === -1 ? offset : start + newline + 1;
  } finally {
    closeSync(file);
  }
}
