/* Containers as process trees, found again by what they left in their state folder and not by who started them: any agent may
 * be killed at any moment. A folder holds
 *   init   /proc/PID/stat of container.sh, as seen from outside, from its first moment
 *   exit   "started", then the exit code, each a line, as they happen; "failed" where container.sh itself never ran
 *   starter   the same of the process above it, which stays outside
 *   output, stdin   named pipes, see container-output.ts and container-input.ts
 *   etc/   hosts, resolv.conf and hostname, bound into the container
 *   command.json   its environment, working directory, user and capabilities, for what is run in it later
 *   cgroups, oom   see container-limits.ts
 *   mounts, and folders that it names   what the container sees, see container-mounts.ts
 * Nothing of it hangs on the agent: a process beside it takes its output to the log. */

import assert from "node:assert/strict";
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join, normalize } from "node:path";
import { Duplex, Readable, type Writable } from "node:stream";
import { AppError } from "#core/errors.ts";
import type { ContainerLimits } from "./cgroups.ts";
import { createInput, type InputKind } from "./container-input.ts";
import { beginLimits, endLimits, limited } from "./container-limits.ts";
import { mountTable } from "./container-mounts.ts";
import { createOutput } from "./container-output.ts";
import { type ContainerRights, checkUser, rightsArguments } from "./container-rights.ts";
import {
  type ContainerState,
  exitPath,
  hasEnded,
  noteFailure,
  readInit,
  readStarter,
  readState,
  settled,
} from "./container-state.ts";
import { netnsPath } from "./netns.ts";
import { descendantsOf, isAlive } from "./processes.ts";
import { openTerminal, type Terminal, type TerminalSize } from "./terminal.ts";

/** Of the programs that set a container up. The container's own environment is made inside: it may name any PATH. */
const ownEnvironment = { PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin" };

const stdioScript = join(import.meta.dirname, "stdio.sh");
const script = join(import.meta.dirname, "container.sh");
const environmentScript = join(import.meta.dirname, "environment.sh");
const pipes = ["pipe", "pipe", "pipe"] as const;
/** An exec belongs to its user, whom only this agent can tell: it does not outlive the agent. */
const mortal = ["setpriv", "--pdeathsig=KILL", "--"];

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
  /** It reads the end of its input at once where this is absent. */
  readonly stdin?: InputKind;
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

export interface StartWait {
  /** Nobody waits any more: the container starts all the same. */
  readonly signal: AbortSignal;
  /** It is not to run any more: what hangs is killed. */
  readonly givenUp?: AbortSignal;
}

export interface Containers {
  /** Resolves when the command runs or could not be started: read the state. */
  start(spec: ContainerSpec, waiting: StartWait): Promise<void>;
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
  async start(spec, { signal, givenUp }) {
    signal.throwIfAborted();
    const { stateDir } = spec;
    const argv = prepare(spec);
    const child = await spawnContainer(spec, argv);
    const giveUp = () => killGroup(child.pid);
    givenUp?.addEventListener("abort", giveUp, { once: true });
    try {
      if (givenUp?.aborted) giveUp();
      const isSettled = (state: ContainerState) => state.state !== "starting";
      await settled(stateDir, { until: isSettled, starter: child, signal });
      if (readState(stateDir).state !== "starting") return;
      noteFailure(stateDir);
      await settled(stateDir, { until: isSettled, signal });
    } finally {
      givenUp?.removeEventListener("abort", giveUp);
    }
  },

  read: readState,

  async exited(stateDir, signal) {
    await settled(stateDir, { until: ({ state }) => state === "exited" || state === "absent", signal });
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
    // What is stuck on the way to a container is no process of it yet.
    const starter = readStarter(stateDir);
    if (readState(stateDir).state === "starting" && starter !== undefined && isAlive(starter)) killGroup(starter.pid);
  },

  exec(stateDir, command, on = "pipes") {
    const state = readState(stateDir);
    if (state.state !== "running") throw new AppError("failed-precondition", "the container is not running");
    const enter = ["--target", String(state.init.pid), "--mount", "--pid", "--uts", "--ipc", "--net"];
    const { env, workingDir, rights } = { ...readInherited(stateDir), ...command };
    const inside = [...mortal, "sh", "/proc/self/fd/3", workingDir, rightsArguments(rights).join(" "), ...command.argv];
    const variables = handedOver(on === "terminal" ? { TERM: "xterm", ...env } : env);
    // What enters a pid namespace is no leader of a group, and so may become the leader of the terminal's session.
    const leading = on === "terminal" ? ["setsid", "--ctty", "--"] : [];
    // Detached: the command and what it starts are one process group.
    const entering = limited(stateDir, ["nsenter", ...enter, "--", ...leading, ...inside]);
    const [program = "", ...args] = [...mortal, ...entering];
    const options = { detached: true, cwd: "/", env: { ...ownEnvironment, ...variables } };
    const terminal = on === "terminal" ? openTerminal(state.init.pid, rights.user) : undefined;
    // The container's view of the file system may not have the script.
    const script = openSync(environmentScript, "r");
    const child = spawn(program, args, { ...options, stdio: [...(terminal?.inside ?? pipes), script, "pipe"] });
    answerOnce(child.stdio[4]);
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

/** Fills the state folder; answers the call that makes a container of it. */
function prepare({ stateDir, hidden, netns, hostname, hosts, resolvConf, rights = {}, ...spec }: ContainerSpec): string[] {
  const mounts = outerFirst(spec.mounts ?? []);
  if (rights.user !== undefined) checkUser(rights.user);
  const etc = join(stateDir, "etc");
  mkdirSync(etc, { recursive: true });
  writeFileSync(join(etc, "hosts"), hosts);
  writeFileSync(join(etc, "resolv.conf"), resolvConf);
  writeFileSync(join(etc, "hostname"), `${hostname}\n`);

  const unshare = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork"];
  const enter = netns === undefined ? unshare : ["nsenter", `--net=${netnsPath(netns)}`, ...unshare];
  const { argv, env, workingDir = "/" } = spec.command;
  const inherited: Inherited = { env, workingDir, rights };
  writeFileSync(commandPath(stateDir), JSON.stringify(inherited), { mode: 0o600 });
  writeFileSync(join(stateDir, "mounts"), mountTable({ stateDir, hidden, volumes: mounts }));
  const cgroups = beginLimits(stateDir, hidden, spec.limits ?? {});
  const setUp = ["sh", script, stateDir, cgroups.join(" "), hidden, hostname, rightsArguments(rights).join(" ")];
  const checked = [workingDir, env.PATH ?? ""];
  return [...enter, "--", ...setUp, ...checked, ...mountArguments(mounts), ...argv];
}

async function spawnContainer(
  { stateDir, logPath, rights, command, ...spec }: ContainerSpec,
  argv: string[],
): Promise<ChildProcess> {
  using opened = new DisposableStack();
  const own = (descriptor: number) => opened.adopt(descriptor, closeSync);
  const log = own(openSync(logPath, "a", 0o600));
  const exit = own(openSync(exitPath(stateDir), "wx", 0o600));
  const output = createOutput(stateDir, rights?.user);
  own(output.reader);
  own(output.writer);
  const input = spec.stdin === undefined ? undefined : createInput(stateDir, spec.stdin);
  const beside = input?.beside.map(own) ?? [];
  const stdin = input === undefined ? "ignore" : own(input.inside);
  const stdio: StdioOptions = [stdin, output.writer, output.writer, exit, output.reader, log, ...beside];
  const options = { detached: true, cwd: "/", env: { ...ownEnvironment, ...handedOver(command.env) }, stdio };
  const child = spawn("sh", [stdioScript, stateDir, spec.stdin ?? "none", ...argv], options);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => reject(new AppError("internal", `sh: ${error.message}`, { cause: error })));
  });
  child.unref();
  return child;
}

/** environment.sh asks whether its agent lives. */
function answerOnce(ear: ChildProcess["stdio"][4]): void {
  assert(ear instanceof Duplex, "a pipe of Node's goes both ways");
  ear.on("error", () => {});
  ear.once("data", () => ear.end("\n"));
}

function streamsOf(child: ChildProcess, terminal: Terminal | undefined): Pick<Exec, "stdin" | "stdout" | "stderr"> {
  if (terminal !== undefined) return { stdin: terminal.stream, stdout: terminal.stream, stderr: Readable.from([]) };
  const { stdin, stdout, stderr } = child;
  assert(stdin !== null && stdout !== null && stderr !== null, "an exec without a terminal has pipes");
  return { stdin, stdout, stderr };
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

function killGroup(leader: number | undefined): void {
  if (leader !== undefined) sendSignal(-leader, "SIGKILL");
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
