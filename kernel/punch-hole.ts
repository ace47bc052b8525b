/* Gives the beginning of a file back to the file system: it reads as zeros from then on, and the rest stays where it is. */

import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import { errno, systemCallFailed } from "./ffi.ts";

const keepSize = 1;
const punch = 2;

let fallocateCall: ((descriptor: number, mode: number, offset: number, length: number) => number) | undefined;

/** "internal" where the file system can't: ext4, xfs, btrfs and tmpfs can. */
export function punchHole(path: string, end: number): void {
  fallocateCall ??= koffi
    .load(null)
    .func("int fallocate(int descriptor, int mode, int64_t offset, int64_t length)") as typeof fallocateCall & {};
  const file = openSync(path, "r+");
  try {
    if (fallocateCall(file, punch | keepSize, 0, end) !== 0) throw systemCallFailed("internal", `fallocate ${path}`, errno());
  } finally {
    closeSync(file);
  }
}
