/* The standard output of a container: a named pipe in its folder. A process beside the container (stdio.sh) takes what comes out to the
 * log, ends with the last that could write, and outlives the agent. A file in its place would be cut off by a program that opens /dev/stdout anew. */

import { closeSync, fchownSync } from "node:fs";
import { join } from "node:path";
import { createNamedPipe, openWriter, type Pipe } from "./pipes.ts";

/** `owner` may open it anew; its ends are the caller's to close. */
export function createOutput(stateDir: string, owner: { readonly uid: number; readonly gid: number } | undefined): Pipe {
  const pipe = createNamedPipe(outputPath(stateDir));
  if (owner !== undefined) fchownSync(pipe.writer, owner.uid, owner.gid);
  return pipe;
}

/** Whether all that was written is in the log. */
export function isDrained(stateDir: string): boolean {
  const writer = openWriter(outputPath(stateDir));
  if (writer !== undefined) closeSync(writer);
  return writer === undefined;
}

function outputPath(stateDir: string): string {
  return join(stateDir, "output");
}
