/* Looks for the system programs before anything is made: without this a cluster that lacks one waits for nodes that never come. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { AppError } from "#core/errors.ts";
import { type Program, programPackages } from "./run.ts";

/** Without these no pod comes up; the others are missed only by who uses them. */
const needed: readonly Program[] = ["ip", "mount", "nft", "nsenter", "setpriv", "tini", "unshare"];
/** Root needs no program to name a container. */
const neededByOthers: readonly Program[] = ["hostname"];

/** "failed-precondition" that names each program that no folder of `path` holds, with its package. */
export function refuseMissingPrograms(path: string): void {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const programs = process.getuid?.() === 0 ? needed : [...needed, ...neededByOthers];
  const missing = programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
  if (missing.length === 0) return;
  const names = missing.map((program) => `${program} (package ${programPackages[program]})`).join(", ");
  throw new AppError("failed-precondition", `these programs are missing: ${names}: install them, or run \`npm run setup\``);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
