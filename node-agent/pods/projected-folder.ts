/* Files that change together while somebody reads them, as a kubelet lays them out: FOLDER/..DIGEST holds them, FOLDER/..data is a link
 * to it that is replaced at once, and every file's first name in FOLDER is a link through that one. The digest is of the files, so that
 * what is there already stays. The links' names are looked at each time: an agent may be killed after the files and before the names. */

import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ProjectedFile } from "./projected-files.ts";

/** With the files' group `group` where there is one, which may then read them all. */
export function writeProjected(folder: string, files: readonly ProjectedFile[], group: number | undefined): void {
  const digest = digestOf(files, group);
  if (currentOf(folder) !== digest) replaceFiles(folder, digest, files, group);
  const names = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
  const present = new Set(readdirSync(folder));
  for (const name of names) if (!present.has(name)) symlinkSync(join("..data", name), join(folder, name));
  for (const name of present) {
    const stale = name.startsWith("..") ? name !== digest && name !== "..data" : !names.has(name);
    if (stale) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function replaceFiles(folder: string, digest: string, files: readonly ProjectedFile[], group: number | undefined): void {
  const fresh = join(folder, digest);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o755 });
  for (const file of files) writeOne(join(fresh, file.path), file, group);
  const next = join(folder, "..data_new");
  rmSync(next, { force: true });
  symlinkSync(digest, next);
  renameSync(next, join(folder, "..data"));
}

function writeOne(path: string, { bytes, mode }: ProjectedFile, group: number | undefined): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(path, bytes);
  if (group !== undefined) chownSync(path, 0, group);
  chmodSync(path, group === undefined ? mode : mode | 0o440);
}

function digestOf(files: readonly ProjectedFile[], group: number | undefined): string {
  const hash = createHash("sha256").update(`${group}\n`);
  for (const { path, bytes, mode } of files) hash.update(`${JSON.stringify(path)} ${mode} ${bytes.length}\n`).update(bytes);
  return `..${hash.digest("hex").slice(0, 16)}`;
}

function currentOf(folder: string): string | undefined {
  try {
    return readlinkSync(join(folder, "..data"));
  } catch {
    return undefined;
  }
}
