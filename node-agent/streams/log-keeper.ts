/* Looks at the logs of all containers, again and again: notes when their lines were written, and keeps them from growing too long. */

import { statSync } from "node:fs";
import type { Clock } from "#core/clock.ts";
import type { Logger } from "#process/log.ts";
import { containerFolder, containerNames } from "../pods/container-folders.ts";
import type { LogReaders } from "./log-readers.ts";
import { rotateLog } from "./log-rotation.ts";
import { noteTimes } from "./log-times.ts";

const lookMs = 500;

export interface KeepLogsOptions {
  /** The folders of all pods, at this moment. */
  readonly podFolders: () => readonly string[];
  readonly readers: LogReaders;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Until the signal aborts. What can't be done now is tried again when the log has grown. */
export async function keepLogs({ podFolders, readers, clock, log, signal }: KeepLogsOptions): Promise<void> {
  let known: ReadonlyMap<string, number> = new Map();
  while (!signal.aborted) {
    const sizes = new Map<string, number>();
    for (const podFolder of podFolders()) {
      try {
        for (const path of newestLogs(podFolder)) {
          const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
          sizes.set(path, size);
          if (known.get(path) === size) continue;
          noteTimes(path);
          rotateLog(path, readers.slowest(path));
        }
      } catch (error) {
        log.warn({ err: error, folder: podFolder }, "a pod's logs could not be looked after");
      }
    }
    known = sizes;
    await clock.sleep(lookMs, signal).catch(() => {});
  }
}

function newestLogs(podFolder: string): string[] {
  return containerNames(podFolder).flatMap((name) => {
    const folder = containerFolder(podFolder, name);
    const newest = folder.newest();
    return newest === undefined ? [] : [folder.logPath(newest)];
  });
}
