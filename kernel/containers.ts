/* Containers as process trees, found again by what they left in their state folder and not by who started them: any agent may
 * be killed at any moment. A folder holds
 *   init   /proc/PID/stat of container.sh, as seen from outside, from its first moment
 *   exit   "started", then the exit code, each a line, as they happen; "failed" where container.sh itself never ran
 *   stdin  a named pipe, where the container has an input
 *   etc/   hosts, resolv.conf and hostname, bound into the container
 *   command.json   its environment, working directory, user and capabilities, for what is run in it later
 *   cgroups, oom   see container-limits.ts
 *   mounts, and folders that it names   what the container sees, see container-mounts.ts
 * Output goes to a file, never to a pipe of the agent's. */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  type FSWatcher,
  fchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import { join, normalize } from "node:path";
import { Readable, type Writable } from "node:stream";
import { setTimeout as sleepFor } from "node:timers/promises";
import { AppError } from "#core/errors.ts";
import type { ContainerLimits } from "./cgroups.ts";
import { createInput } from "./container-input.ts";
import { beginLimits, endLimits, limited, wasOomKilled } from "./container-limits.ts";
import { mountTable } from "./container-mounts.ts";
import { type ContainerRights, checkUser, rightsArguments } from "./container-rights.ts";
import { netnsPath } from "./netns.ts";
import { descendantsOf, isAlive, type ProcessId, parseStat } from "./processes.ts";
import { openTerminal, type Terminal, type TerminalSize } from "./terminal.ts";

/** Of the programs that set a container up. The container's own environment is made inside: it may name any PATH. */
const ownEnvironment = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };

const script = join(import.meta.dirname, "container.sh");
const environmentScript = join(import.meta.dirname, "environment.sh");
const pipes = ["pipe", "pipe", "pipe"] as const;

export interface ContainerSpec {
  /** Absolute; made if it is absent; a folder of an earlier run can't be used again. */
  readonly stateDir: string;
  readonly logPath: string;
  /** A folder that the container must not see, whatever it may read otherwise. */
  readonly hidden: string;
  /** The node's own network where it is absent. */
  readonly netns?: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly resolvConf: string;
  readonly mounts?: readonly ContainerMount[];
  readonly rights?: ContainerRights;
  /** None where it is absent; those that the machine can't keep are not kept. */
  readonly limits?: ContainerLimits;
  /** Whether it has a standard input, for `openInput`; it reads the end of one otherwise. */
  readonly stdin?: boolean;
  readonly command: Command;
}

export interface ContainerMount {
  /** A folder of the host; absolute. */
  readonly source: string;
  /** A path in `source`, not above it; made, as a folder, where it is absent. */
  readonly subPath?: string;
  /** Absolute. A mount point that is absent is made, inside the container only. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Command {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** "/" where it is absent. */
  readonly workingDir?: string;
}

/** What is absent is as the container itself has it. */
export interface ExecCommand {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
}

/**
 *   absent ─ start ─▶ starting ─ script wrote "started" ─▶ running ─ script wrote the code ─▶ exited
 *                         └───────── script ended ─────────────┴──── script was killed ────────▲
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

export interface Exec {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** 128 + signal where one ended it. */
  readonly exitCode: Promise<number>;
  /** Of its terminal, where it has one. */
  resize(size: TerminalSize): void;
  /** Kills what runs inside; killing the process that entered the namespaces would leave that running. */
  kill(): void;
}

export interface Containers {
  /** Resolves when the command runs or could not be started: read the state. */
  start(spec: ContainerSpec, signal: AbortSignal): Promise<void>;
  read(stateDir: string): ContainerState;
  /** Resolves when the container has exited or its folder is gone. */
  exited(stateDir: string, signal: AbortSignal): Promise<void>;
  /** To the command's first process only, as a kubelet does; false where there is none. */
  signal(stateDir: string, name: NodeJS.Signals): boolean;
  /** Ends everything in the container at once. */
  kill(stateDir: string): void;
  /** With the user and the capabilities of the container. On a terminal, `stdin` and `stdout` are the terminal and `stderr` is empty. */
  exec(stateDir: string, command: ExecCommand, on?: "terminal" | "pipes"): Exec;
}

export const linuxContainers: Containers = {
  async start(spec, signal) {
    const { stateDir, logPath, hidden, netns, hostname, hosts, resolvConf, rights = {}, command } = spec;
    const mounts = outerFirst(spec.mounts ?? []);
    signal.throwIfAborted();
    if (rights.user !== undefined) checkUser(rights.user);
    const etc = join(stateDir, "etc");
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, "hosts"), hosts);
    writeFileSync(join(etc, "resolv.conf"), resolvConf);
    writeFileSync(join(etc, "hostname"), `${hostname}\n`);

    const unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork"];
    const enter = netns === undefined ? unshare : ["nsenter", `--net=${netnsPath(netns)}`, ...unshare];
    const { argv, env, workingDir = "/" } = command;
    const inherited: Inherited = { env, workingDir, rights };
    writeFileSync(commandPath(stateDir), JSON.stringify(inherited), { mode: 0o600 });
    writeFileSync(join(stateDir, "mounts"), mountTable({ stateDir, hidden, volumes: mounts }));
    const cgroups = beginLimits(stateDir, hidden, spec.limits ?? {});
    const setUp = ["sh", script, stateDir, cgroups.join(" "), hidden, hostname, rightsArguments(rights).join(" ")];
    const checked = [workingDir, env.PATH ?? ""];
    const [program = "", ...args] = [...enter, "--", ...setUp, ...checked, ...mountArguments(mounts), ...argv];

    const log = openSync(logPath, "a", 0o600);
    let exit: number | undefined;
    let input: number | undefined;
    try {
      exit = openSync(exitPath(stateDir), "wx", 0o600);
      if (spec.stdin === true) input = createInput(stateDir);
      // Whoever opens /dev/stdout opens this file.
      if (rights.user !== undefined) fchownSync(log, rights.user.uid, rights.user.gid);
      const options = { detached: true, cwd: "/", env: { ...ownEnvironment, ...handedOver(env) } };
      const child = spawn(program, args, { ...options, stdio: [input ?? "ignore", log, log, exit] });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) => reject(new AppError("internal", `${program}: ${error.message}`, { cause: error })));
      });
      child.unref();
      await settled(stateDir, (state) => state.state !== "starting", signal, child);
      if (readState(stateDir).state === "starting") writeSync(exit, "failed\n");
    } finally {
      for (const descriptor of [log, exit, input]) if (descriptor !== undefined) closeSync(descriptor);
    }
  },

  read: readState,

  async exited(stateDir, signal) {
    await settled(stateDir, (state) => state.state === "exited" || state.state === "absent", signal);
    await endLimits(stateDir, signal);
  },

  signal(stateDir, name) {
    const state = readState(stateDir);
    if (state.state !== "running") return false;
    const [first] = descendantsOf(state.init.pid);
    return first !== undefined && sendSignal(first, name);
  },

  kill(stateDir) {
    const init = readInit(stateDir);
    if (init !== undefined && isAlive(init)) sendSignal(init.pid, "SIGKILL");
  },

  exec(stateDir, command, on = "pipes") {
    const state = readState(stateDir);
    if (state.state !== "running") throw new AppError("failed-precondition", "the container is not running");
    const enter = ["--target", String(state.init.pid), "--mount", "--pid", "--uts", "--ipc", "--net"];
    // An exec belongs to its user, whom only this agent can tell: it does not outlive the agent.
    const mortal = ["setpriv", "--pdeathsig=KILL"];
    const { env, workingDir, rights } = { ...readInherited(stateDir), ...command };
    const inside = ["sh", "/proc/self/fd/3", workingDir, rightsArguments(rights).join(" "), ...command.argv];
    const variables = handedOver(on === "terminal" ? { TERM: "xterm", ...env } : env);
    // What enters a pid namespace is no leader of a group, and so may become the leader of the terminal's session.
    const leading = on === "terminal" ? ["setsid", "--ctty", "--"] : [];
    // Detached: the command and what it starts are one process group.
    const entering = limited(stateDir, ["nsenter", ...enter, "--", ...leading, ...inside]);
    const [program = "", ...args] = [...mortal, "--", ...entering];
    const options = { detached: true, cwd: "/", env: { ...ownEnvironment, ...variables } };
    const terminal = on === "terminal" ? openTerminal(state.init.pid, rights.user) : undefined;
    // The container's view of the file system may not have the script.
    const script = openSync(environmentScript, "r");
    const child = spawn(program, args, { ...options, stdio: [...(terminal?.inside ?? pipes), script] });
    closeSync(script);
    terminal?.letGo();
    const exitCode = new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
    });
    // Nobody may be waiting for it.
    exitCode.catch(() => {});
    return {
      ...streamsOf(child, terminal),
      exitCode,
      resize: (size) => terminal?.resize(size),
      kill() {
        terminal?.[Symbol.dispose]();
        // What the command left behind may hold its pipes for ever: the exec is over all the same.
        for (const stream of child.stdio ?? []) stream?.destroy();
        if (child.pid === undefined || hasEnded(child)) return;
        const descendants = descendantsOf(child.pid);
        sendSignal(-child.pid, "SIGKILL");
        // Those that left the group.
        for (const pid of descendants) sendSignal(pid, "SIGKILL");
      },
    };
  },
};

function streamsOf(child: ChildProcess, terminal: Terminal | undefined): Pick<Exec, "stdin" | "stdout" | "stderr"> {
  if (terminal !== undefined) return { stdin: terminal.stream, stdout: terminal.stream, stderr: Readable.from([]) };
  const { stdin, stdout, stderr } = child;
  assert(stdin !== null && stdout !== null && stderr !== null, "an exec without a terminal has pipes");
  return { stdin, stdout, stderr };
}

function readState(stateDir: string): ContainerState {
  const init = readInit(stateDir);
  // Asked before the file is read: a script that is dead by now has written all that it ever will.
  const dead = init !== undefined && !isAlive(init);
  const exit = readText(exitPath(stateDir));
  if (exit === undefined) return { state: "absent" };
  const [started, code] = exit.text.split("\n").filter((line) => line !== "");
  const startedAtMs = started === "started" ? init?.startedAtMs : undefined;
  const finishedAtMs = exit.changedAtMs;
  const ended = (code: number | undefined): ContainerState => {
    return { state: "exited", code, startedAtMs, finishedAtMs, oomKilled: wasOomKilled(stateDir) };
  };
  if (started === "failed") return ended(undefined);
  if (code !== undefined) return ended(Number(code));
  if (dead) return endOfKilled(stateDir, startedAtMs);
  if (init === undefined || started === undefined) return { state: "starting" };
  return { state: "running", init, startedAtMs: init.startedAtMs };
}

/** A script that was killed wrote nothing: whoever sees that first writes in its place, so that the end has a time. */
function endOfKilled(stateDir: string, startedAtMs: number | undefined): ContainerState {
  const code = startedAtMs === undefined ? undefined : 137;
  appendFileSync(exitPath(stateDir), code === undefined ? "failed\n" : `${code}\n`);
  const finishedAtMs = statSync(exitPath(stateDir)).mtimeMs;
  return { state: "exited", code, startedAtMs, finishedAtMs, oomKilled: wasOomKilled(stateDir) };
}

/**
 * Waits until the state satisfies `until`. The folder's changes tell; a slow poll beside them sees a script that was killed, which
 * writes nothing. `child` is watched where the container was started by this process.
 */
async function settled(
  stateDir: string,
  until: (state: ContainerState) => boolean,
  signal: AbortSignal,
  child?: ChildProcess,
): Promise<void> {
  const pollMs = 500;
  if (until(readState(stateDir))) return;
  let changed = () => {};
  const watcher = watchFolder(stateDir, () => changed());
  child?.once("exit", () => changed());
  try {
    for (;;) {
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const state = readState(stateDir);
      if (until(state)) return;
      // The script ended before it could say who it is.
      if (state.state === "starting" && child !== undefined && hasEnded(child)) return;
      const waiting = new AbortController();
      try {
        await Promise.race([change, sleepFor(pollMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]) })]);
      } finally {
        waiting.abort();
      }
      signal.throwIfAborted();
    }
  } finally {
    watcher?.close();
  }
}

/** Undefined where the machine has no more watches to give: the poll must do. */
function watchFolder(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(path, onChange).on("error", onChange);
  } catch {
    return undefined;
  }
}

interface Init extends ProcessId {
  readonly startedAtMs: number;
}

function readInit(stateDir: string): Init | undefined {
  const file = readText(join(stateDir, "init"));
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

function exitPath(stateDir: string): string {
  return join(stateDir, "exit");
}

/** What a container hands down to the commands that are run in it. */
interface Inherited {
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly rights: ContainerRights;
}

function commandPath(stateDir: string): string {
  return join(stateDir, "command.json");
}

function readInherited(stateDir: string): Inherited {
  return JSON.parse(readFileSync(commandPath(stateDir), "utf8"));
}

/** One that lies in another comes after it. */
function outerFirst(mounts: readonly ContainerMount[]): ContainerMount[] {
  const depth = ({ target }: ContainerMount) => normalize(target).split("/").filter(Boolean).length;
  return mounts.toSorted((a, b) => depth(a) - depth(b));
}

/** How many there are, and three words for each. */
function mountArguments(mounts: readonly ContainerMount[]): string[] {
  const words = mounts.flatMap(({ subPath = "", target, readOnly }) => [readOnly ? "ro" : "rw", normalize(target), subPath]);
  return [String(mounts.length), ...words];
}

/** A container's variables under names that mean nothing to the programs on the way; a script makes the container's environment of them. */
function handedOver(env: Readonly<Record<string, string>>): Record<string, string> {
  const variables = Object.entries(env).map(([name, value], i) => [`PODWIRE_VARIABLE_${i + 1}`, `${name}=${value}`]);
  return { ...Object.fromEntries(variables), PODWIRE_VARIABLES: String(variables.length) };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function sendSignal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function signalNumber(name: NodeJS.Signals | null): number {
  return name === null ? 0 : constants.signals[name];
}
