/* The folder of the built-in programs, as containers get it. In a checkout they are TypeScript, and Node would strip the types anew at each
 * start, for about 100 ms of processor time: what was stripped once is kept in Node's compile cache, under a name made of the sources. */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import module, { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";

const sources = join(import.meta.dirname, "..", "toolbox");
let known: string | undefined;

/** Made at the first call where it isn't there. Without a cache, or where it can't be written to, that of the sources. */
export function toolboxFolder(): string {
  known ??= /\.ts$/.test(import.meta.filename) ? strippedFolder(sources, module.getCompileCacheDir()) : sources;
  return known;
}

/** `cache` is a folder; undefined where nothing is kept. */
export function strippedFolder(from: string, cache: string | undefined): string {
  if (cache === undefined) return from;
  const names = readdirSync(from).sort();
  const hash = createHash("sha256");
  for (const name of names)
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(from, name)))
      .update("\0");
  const folder = join(cache, `toolbox-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  // Whole or not at all: others look for it at the same time.
  const draft = `${folder}.${process.pid}`;
  try {
    mkdirSync(draft, { recursive: true });
    for (const name of names) strip(join(from, name), join(draft, name));
    renameSync(draft, folder);
  } catch {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) return from;
  }
  return folder;
}

function strip(from: string, to: string): void {
  if (!/\.m?ts$/.test(to)) copyFileSync(from, to);
  else writeFileSync(to.replace(/ts$/, "js"), nameAsBuilt(stripTypeScriptTypes(readFileSync(from, "utf8"))));
}

/** Where a string names a module: what Node resolves, and nothing else. */
const extension = /(?<=\b(?:from|import|import\(|import\.meta\.resolve\()\s*"[.#][^"\n]*\.m?)ts(?=")/g;

/** Lets the names of our own modules end as their files without types do. */
export function nameAsBuilt(code: string): string {
  return code.replace(extension, "js");
}
