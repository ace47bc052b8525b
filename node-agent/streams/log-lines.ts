/* Where lines begin in a log file, found from its end or from a place within it. */

import type { FileHandle } from "node:fs/promises";

const blockBytes = 32 * 1024;

/** Where the last `count` lines begin. */
export async function tailStart(file: FileHandle, count: number): Promise<number> {
  const { size } = await file.stat();
  if (count <= 0) return size;
  // The newline that ends the last line opens none.
  return beforeNewline(file, size - 1, count);
}

/** Where the line begins that has the byte at `offset`. */
export function lineStart(file: FileHandle, offset: number): Promise<number> {
  return beforeNewline(file, offset, 1);
}

/** The byte after the `count`th newline before `end`, counted backwards; 0 where there are fewer. */
async function beforeNewline(file: FileHandle, last: number, count: number): Promise<number> {
  const block = Buffer.allocUnsafe(blockBytes);
  let lines = 0;
  for (let end = last; end > 0; ) {
    const start = Math.max(0, end - block.length);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let i = bytesRead - 1; i >= 0; i--) {
      if (block[i] === 0x0a && ++lines === count) return start + i + 1;
    }
    end = start;
  }
  return 0;
}
