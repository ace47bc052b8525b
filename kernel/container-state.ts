/* How a container is, read from what it left in its state folder. */

import type { ChildProcess } from "node:child_process";
import { appendFileSync, type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { wasOomKilled } from "./container-limits.ts";
import { isDrained } from "./container-output.ts";
import { isAlive, type ProcessId, parseStat } from "./processes.ts";

/**
 *   absent ─ start ─▶ starting ─ script wrote "started" ─▶ running ─ script wrote the code ─▶ exited
 *                         └───────── script ended ─────────────┴──── script was killed ────────▲
 * It has exited when all that it printed is in its log, too.
 */
export type ContainerState =
  | { readonly state: "absent" }
  | { readonly state: "starting" }
  | { readonly state: "running"; readonly init: ProcessId; readonly startedAtMs: number }
  /** `code` is undefined where the command never ran: the log's end says why. A container whose script was killed ended with 137. */
  | {
      readonly state: "exited";
      readonly code: number | undefined;
      readonly startedAtMs: number | undefined;
      readonly finishedAtMs: number;
      /** The kernel ended a process of it for want of memory. */
      readonly oomKilled?: boolean;
    };

const pollMs = 500;
/** What is left of the output is in the log in a moment, of which nothing tells. */
const drainPollMs = 3;

export function readState(stateDir: string): ContainerState {
  return look(stateDir).state;
}

/** That its command never ran. */
export function noteFailure(stateDir: string): void {
  appendFileSync(exitPath(stateDir), "failed\n");
}

export function exitPath(stateDir: string): string {
  return join(stateDir, "exit");
}

/** container.sh, from its first moment on. */
export function readInit(stateDir: string): (ProcessId & { readonly startedAtMs: number }) | undefined {
  return readProcess(join(stateDir, "init"));
}

/** What stands above container.sh: the leader of the group in which all of a start is. */
export function readStarter(stateDir: string): ProcessId | undefined {
  return readProcess(join(stateDir, "starter"));
}

export interface Settling {
  until(state: ContainerState): boolean;
  /** Where the container is started by this process: its end is seen, too. */
  readonly starter?: ChildProcess;
  readonly signal: AbortSignal;
}

/** Waits for such a state. The folder's changes tell; a slow poll beside them sees a script that was killed, which writes nothing. */
export async function settled(stateDir: string, { until, starter, signal }: Settling): Promise<void> {
  if (until(readState(stateDir))) return;
  let changed = () => {};
  const watcher = watchFolder(stateDir, () => changed());
  starter?.once("exit", () => changed());
  try {
    for (;;) {
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const { state, draining } = look(stateDir);
      if (until(state)) return;
      // The script ended before it could say who it is.
      if (state.state === "starting" && starter !== undefined && hasEnded(starter)) return;
      const waiting = new AbortController();
      const waitMs = draining ? drainPollMs : pollMs;
      try {
        await Promise.race([change, sleepFor(waitMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) })]);
      } finally {
        waiting.abort();
      }
      signal.throwIfAborted();
    }
  } finally {
    watcher?.close();
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** `draining`: it has ended, but for the last of its output. */
function look(stateDir: string): { readonly state: ContainerState; readonly draining: boolean } {
  const init = readInit(stateDir);
  // Asked before the file is read: a script that is dead by now has written all that it ever will.
  const dead = init !== undefined && !isAlive(init);
  const exit = readText(exitPath(stateDir));
  if (exit === undefined) return { state: { state: "absent" }, draining: false };
  const [started, code] = exit.text.split("\n").filter((line) => line !== "");
  const ended = dead || started === "failed" || code !== undefined;
  const draining = ended && !isDrained(stateDir);
  const startedAtMs = started === "started" ? init?.startedAtMs : undefined;
  if (ended && !draining) {
    const finishedAtMs = started !== "failed" && code === undefined ? noteKilled(stateDir, startedAtMs) : exit.changedAtMs;
    const exitCode = startedAtMs === undefined ? undefined : Number(code ?? 137);
    const oomKilled = wasOomKilled(stateDir);
    return { state: { state: "exited", code: exitCode, startedAtMs, finishedAtMs, oomKilled }, draining };
  }
  if (init === undefined || started !== "started") return { state: { state: "starting" }, draining };
  return { state: { state: "running", init, startedAtMs: init.startedAtMs }, draining };
}

/** A script that was killed wrote nothing: whoever sees that first writes in its place, so that the end has a time. */
function noteKilled(stateDir: string, startedAtMs: number | undefined): number {
  if (startedAtMs === undefined) noteFailure(stateDir);
  else appendFileSync(exitPath(stateDir), "137\n");
  return statSync(exitPath(stateDir)).mtimeMs;
}

/** Undefined where the machine has no more watches to give: the poll must do. */
function watchFolder(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on("error", onChange);
  } catch {
    return undefined;
  }
}

function readProcess(path: string): (ProcessId & { readonly startedAtMs: number }) | undefined {
  const file = readText(path);
  if (file === undefined || !file.text.endsWith("\n")) return undefined;
  const id = parseStat(file.text);
  return id === undefined ? undefined : { ...id, startedAtMs: file.changedAtMs };
}

/** Undefined only where there is no file: whoever takes a want of descriptors for that starts a container that runs a second time. */
function readText(path: string): { text: string; changedAtMs: number } | undefined {
  try {
    return { text: readFileSync(path, "utf8"), changedAtMs: statSync(path).mtimeMs };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
