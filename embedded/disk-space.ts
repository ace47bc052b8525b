/* Whether the disk of the clusters' folders has room. On a full one daemons start again and again, and say so in logs that have no room. */

import { type StatsFs, statfsSync } from "node:fs";
import { AppError } from "#core/errors.ts";

/** The store's journal grows to this before it is folded into its file. */
const bytesMin = 4 * 1024 * 1024;
const filesMin = 256;

/** "exhausted" where the disk that holds `folder` has no room for a cluster. */
export function refuseFullDisk(folder: string): void {
  const lack = lackOf(statfsSync(folder));
  if (lack === undefined) return;
  throw new AppError(
    "exhausted",
    `the disk of ${folder} has ${lack}: free some there, or set XDG_RUNTIME_DIR to a folder on another disk`,
  );
}

/** In words. Some file systems count no files. */
export function lackOf({
  bavail,
  bsize,
  files,
  ffree,
}: Pick<StatsFs, "bavail" | "bsize" | "files" | "ffree">): string | undefined {
  const freeBytes = bavail * bsize;
  if (freeBytes < bytesMin)
    return `${Math.floor(freeBytes / 1024)} KiB of room left, less than the ${bytesMin / 1024} KiB that a cluster needs`;
  if (files > 0 && ffree < filesMin) return `room for ${ffree} files, less than the ${filesMin} that a cluster needs`;
  return undefined;
}
