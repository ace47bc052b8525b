/* Where lines begin in a log file, found from its end or from a place within it. */

import type { FileHandle } from "node:fs/promises";

const blockBytes = 32 * 1024;

/** Where the last `count` lines begin, not before `first`. */
export async function tailStart(file: FileHandle, count: number, first: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) return size;
  // The newline that ends the last line opens none.
  return afterNewline(file, { end: size - 1, count, first });
}

/** Where the line begins that has the byte at `offset`, not before `first`. */
export function lineStart(file: FileHandle, offset: number, first: number): Promise<number> {
  return afterNewline(file, { end: offset, count: 1, first });
}

interface Search {
  readonly end: number;
  readonly count: number;
  readonly first: number;
}

/** The byte after the `count`th newline before `end`, counted backwards; `first` where there are fewer. */
async function afterNewline(file: FileHandle, search: Search): Promise<number> {
  const { count, first } = search;
  const block = Buffer.allocUnsafe(blockBytes);
  let lines = 0;
  for (let { end } = search; end > first; ) {
    const start = Math.max(first, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      if (block[i] === 0x0a && ++lines === count) return start + i + 1;
    }
    end = start;
  }
  return first;
}
