/* Where a pod's containers keep their runs: POD/containers/NAME/N holds the state of run N, POD/containers/NAME/N.log its output.
 * The last two runs stay. */

import { closeSync, fstatSync, mkdirSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface ContainerFolder {
  /** The number of the newest run, or undefined before the first. */
  newest(): number | undefined;
  stateDir(run: number): string;
  logPath(run: number): string;
  /** Forgets that run, as if it had never begun. */
  discard(run: number): void;
  /** Forgets every run. */
  discardAll(): void;
  /** Makes room for `run`: removes all but the one before it. */
  prepare(run: number): void;
  /** The last lines that a run printed, for messages. */
  tail(run: number): string;
}

const tailBytes = 2_000;

export function containerFolder(podFolder: string, name: string): ContainerFolder {
  const folder = join(podFolder, "containers", name);
  const stateDir = (run: number) => join(folder, String(run));
  const logPath = (run: number) => `${stateDir(run)}.log`;
  const runs = () =>
    namesIn(folder)
      .filter((entry) => /^[0-9]+$/.test(entry))
      .map(Number);
  const discard = (run: number) => {
    rmSync(stateDir(run), { recursive: true, force: true });
    for (const ending of ["", ".begin", ".times"]) rmSync(`${logPath(run)}${ending}`, { force: true });
  };
  return {
    newest: () => runs().sort((a, b) => b - a)[0],
    stateDir,
    logPath,
    discard,
    discardAll: () => runs().forEach(discard),
    prepare(run) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const old of runs()) if (old < run - 1) discard(old);
    },
    tail(run) {
      return endOf(logPath(run));
    },
  };
}

/** Not read from its beginning: a log may be long, and begin with a hole. */
function endOf(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      const bytes = Buffer.alloc(Math.min(size, tailBytes));
      const length = readSync(file, bytes, 0, bytes.length, size - bytes.length);
      return bytes.toString("utf8", 0, length).trim();
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

export function containerNames(podFolder: string): string[] {
  return namesIn(join(podFolder, "containers"));
}

/** None only where there is no folder: whoever takes another error for that forgets a container which runs. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
