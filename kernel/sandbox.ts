/* A sandbox: namespaces in which a whole cluster lives. All its state is its own, so ending its first process ends it all. */

import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { AppError } from "#core/errors.ts";
import { isAlive, type ProcessId, parseStat } from "./processes.ts";

const script = join(import.meta.dirname, "init.sh");

/** Of `unshare`: an ordinary user is root in a user namespace; root needs none. */
export function userNamespaceOf(uid: number): readonly string[] {
  return uid === 0 ? [] : ["--user", "--map-root-user"];
}

/** What `unshare` makes for a sandbox. KILL to whoever waits outside must end the sandbox too. */
export const sandboxNamespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child=SIGKILL"] as const;

export interface SandboxSpec {
  /** A file that the sandbox's first process makes and that names it. */
  readonly identityPath: string;
  readonly logPath: string;
  /** The program inside, and its arguments. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Sandbox {
  readonly id: ProcessId;
  /** Says a word to the program, whose standard input ends without one where this process does, however it does. */
  letGo(): void;
  /** Resolves when it is dead. */
  readonly ended: Promise<void>;
}

/**
 * Starts a sandbox, which outlives this process where it is let go. Resolves when its first process has named itself; "internal" with the log's end where
 * it died before that.
 */
export async function startSandbox({ identityPath, logPath, argv, env }: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
  const log = openSync(logPath, "a", 0o600);
  const namespaces = [...userNamespaceOf(process.getuid?.() ?? 0), ...sandboxNamespaces];
  const child = spawn("unshare", [...namespaces, "--", "sh", script, identityPath, ...argv], {
    detached: true,
    cwd: "/",
    env,
    stdio: ["pipe", log, log],
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let failure: Error | undefined;
  child.once("error", (error) => {
    failure = error;
  });
  // A program that ended takes no more words.
  child.stdin?.on("error", () => {});
  const letGo = () => {
    child.stdin?.end("stay\n");
    child.unref();
  };
  for (;;) {
    const id = readIdentity(identityPath);
    if (id !== undefined) return { id, letGo, ended };
    if (failure !== undefined || child.exitCode !== null) {
      const said = readLog(logPath);
      throw new AppError("internal", `the sandbox did not start: ${failure?.message ?? said}`, { cause: failure });
    }
    await sleepFor(5, undefined, { signal }).catch((error) => {
      // One that nobody knows yet would live on, and name itself in the folder of the next.
      child.kill("SIGKILL");
      throw error;
    });
  }
}

/** The first process of the sandbox that left this file, or undefined where there is none or it is dead. */
export function findSandbox(identityPath: string): ProcessId | undefined {
  const id = readIdentity(identityPath);
  return id !== undefined && isAlive(id) ? id : undefined;
}

/** Leaves this process's own name, as a sandbox's first process does. */
export function writeIdentity(path: string): void {
  writeFileSync(path, readFileSync("/proc/self/stat", "utf8"), { mode: 0o600 });
}

/** Ends the sandbox and waits until the kernel has ended every process in it. */
export async function endSandbox(id: ProcessId, signal: AbortSignal): Promise<void> {
  try {
    if (isAlive(id)) process.kill(id.pid, "SIGKILL");
  } catch (error) {
    // It may have ended between the look and the kill.
    if (isAlive(id)) throw error;
  }
  // A first process that its parent has not reaped yet has no children left: the kernel ended them before.
  while (isAlive(id)) await sleepFor(5, undefined, { signal });
}

function readLog(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "its log is gone";
  }
}

function readIdentity(path: string): ProcessId | undefined {
  try {
    const text = readFileSync(path, "utf8");
    return text.endsWith("\n") ? parseStat(text) : undefined;
  } catch {
    return undefined;
  }
}
