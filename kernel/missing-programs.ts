/* Looks for the system programs. */

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Program, programPackages } from "./run.ts";

/** Without these no pod comes up; the others are missed only by who uses them. */
const neededByAll: readonly Program[] = ["conntrack", "ip", "mount", "nft", "nsenter", "setpriv", "tini", "unshare"];
/** Root needs no program to name a container. */
const neededByOthers: readonly Program[] = ["hostname"];

export function neededPrograms(uid: number): readonly Program[] {
  return uid === 0 ? neededByAll : [...neededByAll, ...neededByOthers];
}

/** Each that no folder of `path` holds. */
export function missingPrograms(path: string): Program[] {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  const programs = Object.keys(programPackages) as Program[];
  return programs.filter((program) => !folders.some((folder) => isExecutable(join(folder, program))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
