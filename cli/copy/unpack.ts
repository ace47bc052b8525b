/* Puts an archive from a container onto the user's machine, and trusts nothing in it: whatever a container writes there, no file outside
 * of the target is touched. Folders, files and hard links between these are made; symbolic links, devices and the rest are skipped. */

import { constants } from "node:fs";
import { copyFile, lstat, mkdir, open, realpath } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { AppError } from "#core/errors.ts";
import type { TarEntry } from "./tar-reader.ts";

export interface UnpackRequest {
  readonly entries: AsyncIterable<TarEntry>;
  /** The name that all entries begin with; it becomes `target`. */
  readonly root: string;
  /** A folder that is there takes a single file into it. */
  readonly target: string;
  readonly onSkipped: (path: string, why: string) => void | Promise<void>;
}

/** Answers how many entries there were. */
export async function unpack({ entries, root, target, onSkipped }: UnpackRequest): Promise<number> {
  let base: string | undefined;
  let count = 0;
  for await (const entry of entries) {
    count += 1;
    base ??= entry.type === "5" ? target : await fileTarget(target, basename(entry.path));
    const path = placeOf(entry.path, root, base);
    const problem = path === undefined ? "is outside target destination" : await unpackEntry(entry, { path, base, root });
    if (problem !== undefined) await onSkipped(entry.path, problem);
  }
  return count;
}

async function fileTarget(target: string, name: string): Promise<string> {
  const isFolder = await lstatOf(target).then(async (stats) => stats !== undefined && (await isDirectory(target)));
  return isFolder || target.endsWith(sep) ? join(target, name) : target;
}

interface Place {
  readonly path: string;
  readonly base: string;
  readonly root: string;
}

/** Undefined, or why it was left out. */
async function unpackEntry(entry: TarEntry, { path, base, root }: Place): Promise<string | undefined> {
  switch (entry.type) {
    case "5":
      if (await leadsOut(path, base)) return "is outside target destination";
      await mkdir(path, { recursive: true });
      return undefined;
    case "0":
    case "7":
      if (await leadsOut(path, base)) return "is outside target destination";
      return writeFile(path, entry, path === base);
    case "1": {
      const source = placeOf(entry.linkPath, root, base);
      if (source === undefined || (await leadsOut(source, base)) || (await leadsOut(path, base)))
        return "links out of the target";
      const stats = await lstatOf(source);
      if (stats?.isFile() !== true) return "links to what was not copied";
      if ((await lstatOf(path)) !== undefined) return "is there already";
      await copyFile(source, path, constants.COPYFILE_EXCL);
      return undefined;
    }
    case "2":
      return `is a symbolic link to ${JSON.stringify(entry.linkPath)}`;
    default:
      return "is neither a file nor a folder";
  }
}

/** What the user named may be anything that can be written to, /dev/stdout too. */
async function writeFile(path: string, entry: TarEntry, isNamed: boolean): Promise<string | undefined> {
  const there = await lstatOf(path);
  if (!isNamed && there !== undefined && !there.isFile()) return "would replace what is no file";
  if (!isNamed) await mkdir(dirname(path), { recursive: true });
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const flags = O_WRONLY | O_CREAT | O_TRUNC | (isNamed ? 0 : O_NOFOLLOW);
  await using file = await open(path, flags, entry.mode & 0o777);
  for await (const part of entry.body) await file.write(part);
  return undefined;
}

/** Where an entry belongs; undefined where its name leads out of the archive's root. */
function placeOf(name: string, root: string, base: string): string | undefined {
  const words = name.split("/").filter((word) => word !== "" && word !== ".");
  const rootWords = root.split("/").filter((word) => word !== "" && word !== ".");
  if (words.includes("..") || rootWords.some((word, i) => words[i] !== word)) return undefined;
  return join(base, ...words.slice(rootWords.length));
}

/** Whether a link among the folders that are there already leads out of the target. */
async function leadsOut(path: string, base: string): Promise<boolean> {
  if (path === base) return false;
  const top = await realpath(base).catch(() => undefined);
  if (top === undefined) return false;
  for (let folder = path === base ? path : dirname(path); ; folder = dirname(folder)) {
    const real = await realpath(folder).catch(() => undefined);
    if (real !== undefined) return real !== top && !real.startsWith(top.endsWith(sep) ? top : top + sep);
    if (folder === dirname(folder)) throw new AppError("internal", `${path} has no folder`);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => path);
  return (await lstatOf(real))?.isDirectory() === true;
}

function lstatOf(path: string) {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
}
