/* Containers as process trees, found again by what they left in their state folder and not by who started them: any agent may
 * be killed at any moment. A folder holds
 *   init   /proc/PID/stat of container.sh, as seen from outside, from its first moment
 *   exit   "started", then the exit code, each a line, as they happen; "failed" where container.sh itself never ran
 *   etc/   hosts, resolv.conf and hostname, bound into the container
 *   run/, dev/   where the container's /run and /dev are put together
 * Output goes to a file, never to a pipe of the agent's. */

import { type ChildProcess, spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  type FSWatcher,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleepFor } from "node:timers/promises";
import { AppError } from "#core/errors.ts";
import { netnsPath } from "./netns.ts";
import { descendantsOf, isAlive, type ProcessId, parseStat } from "./processes.ts";

/** What Docker grants by default (https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities), less mknod: there is nothing to make a device for. */
const capabilities = [
  "audit_write",
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "net_bind_service",
  "net_raw",
  "setfcap",
  "setgid",
  "setpcap",
  "setuid",
  "sys_chroot",
];
const boundingSet = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");

/** Of the programs that set a container up. The container's own environment is made inside: it may name any PATH. */
const ownEnvironment = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };

const script = join(import.meta.dirname, "container.sh");
const toolbox = join(import.meta.dirname, "..", "toolbox");

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
  readonly command: Command;
}

export interface Command {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** "/" where it is absent. */
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
    };

export interface Exec {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** 128 + signal where one ended it. */
  readonly exitCode: Promise<number>;
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
  exec(stateDir: string, command: Command): Exec;
}

export const linuxContainers: Containers = {
  async start({ stateDir, logPath, hidden, netns, hostname, hosts, resolvConf, command }, signal) {
    signal.throwIfAborted();
    const etc = join(stateDir, "etc");
    mkdirSync(etc, { recursive: true });
    for (const folder of ["run", "dev"]) mkdirSync(join(stateDir, folder));
    writeFileSync(join(etc, "hosts"), hosts);
    writeFileSync(join(etc, "resolv.conf"), resolvConf);
    writeFileSync(join(etc, "hostname"), `${hostname}\n`);

    const unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork"];
    const enter = netns === undefined ? unshare : ["nsenter", `--net=${netnsPath(netns)}`, ...unshare];
    const { argv, env, workingDir = "/" } = command;
    const setUp = ["sh", script, stateDir, hidden, hostname, process.execPath, toolbox, boundingSet];
    const checked = [workingDir, env.PATH ?? "", argv[0] ?? ""];
    const [program = "", ...args] = [...enter, "--", ...setUp, ...checked, ...inEnvironment(command)];

    const log = openSync(logPath, "a", 0o600);
    const exit = openSync(exitPath(stateDir), "wx", 0o600);
    try {
      const child = spawn(program, args, { detached: true, cwd: "/", env: ownEnvironment, stdio: ["ignore", log, log, exit] });
      await new Promise<void>((resolve, reject) => {
        child.once("spawn", resolve);
        child.once("error", (error) => reject(new AppError("internal", `${program}: ${error.message}`, { cause: error })));
      });
      child.unref();
      await settled(stateDir, (state) => state.state !== "starting", signal, child);
      if (readState(stateDir).state === "starting") writeSync(exit, "failed\n");
    } finally {
      closeSync(log);
      closeSync(exit);
    }
  },

  read: readState,

  exited(stateDir, signal) {
    return settled(stateDir, (state) => state.state === "exited" || state.state === "absent", signal);
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

  exec(stateDir, command) {
    const state = readState(stateDir);
    if (state.state !== "running") throw new AppError("failed-precondition", "the container is not running");
    const enter = ["--target", String(state.init.pid), "--mount", "--pid", "--uts", "--ipc", "--net"];
    // An exec belongs to its user, whom only this agent can tell: it does not outlive the agent.
    const mortal = ["setpriv", "--pdeathsig=KILL"];
    const limited = [...mortal, "--inh-caps=-all", `--bounding-set=${boundingSet}`, "--"];
    const inside = inEnvironment(command, command.workingDir);
    // Detached: the command and what it starts are one process group.
    const [program = "", ...args] = [...mortal, "--", "nsenter", ...enter, "--", ...limited, ...inside];
    const child = spawn(program, args, {
      detached: true,
      cwd: "/",
      env: ownEnvironment,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const exitCode = new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
    });
    // Nobody may be waiting for it.
    exitCode.catch(() => {});
    const { stdin, stdout, stderr } = child;
    return {
      stdin,
      stdout,
      stderr,
      exitCode,
      kill() {
        if (child.pid === undefined || hasEnded(child)) return;
        const descendants = descendantsOf(child.pid);
        sendSignal(-child.pid, "SIGKILL");
        // Those that left the group.
        for (const pid of descendants) sendSignal(pid, "SIGKILL");
      },
    };
  },
};

function readState(stateDir: string): ContainerState {
  const init = readInit(stateDir);
  // Asked before the file is read: a script that is dead by now has written all that it ever will.
  const dead = init !== undefined && !isAlive(init);
  const exit = readText(exitPath(stateDir));
  if (exit === undefined) return { state: "absent" };
  const [started, code] = exit.text.split("\n").filter((line) => line !== "");
  const startedAtMs = started === "started" ? init?.startedAtMs : undefined;
  const finishedAtMs = exit.changedAtMs;
  if (started === "failed") return { state: "exited", code: undefined, startedAtMs, finishedAtMs };
  if (code !== undefined) return { state: "exited", code: Number(code), startedAtMs, finishedAtMs };
  if (dead) return endOfKilled(stateDir, startedAtMs);
  if (init === undefined || started === undefined) return { state: "starting" };
  return { state: "running", init, startedAtMs: init.startedAtMs };
}

/** A script that was killed wrote nothing: whoever sees that first writes in its place, so that the end has a time. */
function endOfKilled(stateDir: string, startedAtMs: number | undefined): ContainerState {
  const code = startedAtMs === undefined ? undefined : 137;
  appendFileSync(exitPath(stateDir), code === undefined ? "failed\n" : `${code}\n`);
  return { state: "exited", code, startedAtMs, finishedAtMs: statSync(exitPath(stateDir)).mtimeMs };
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

/** The call of a command in its own environment and no other. */
function inEnvironment({ argv, env }: Command, workingDir?: string): string[] {
  const directory = workingDir === undefined ? [] : ["-C", workingDir];
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return ["env", "-i", ...directory, "--", ...variables, ...argv];
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
