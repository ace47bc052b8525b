/* What an agent found out about a container's run and the next one has to know: kept in the run's folder, gone with it. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson, writeJson } from "../json-file.ts";

export interface RunNotes {
  /** What it was started from. */
  readonly image?: string;
  /** Its postStart hook was done. */
  readonly hookDone: boolean;
  readonly started: boolean;
  readonly ready: boolean;
}

export const noNotes: RunNotes = { hookDone: false, started: false, ready: false };

export function readNotes(stateDir: string): RunNotes {
  return readJson<RunNotes>(notesPath(stateDir)) ?? noNotes;
}

export function writeNotes(stateDir: string, notes: RunNotes): void {
  // Of a run that is over there is nothing to know any more.
  if (existsSync(stateDir)) writeJson(notesPath(stateDir), notes);
}

function notesPath(stateDir: string): string {
  return join(stateDir, "notes.json");
}
