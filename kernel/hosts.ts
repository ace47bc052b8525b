/* The hosts of a sandbox: machines, joined by a bridge that leads nowhere else. A host has namespaces of its own for its network, its
 * processes, its mounts and its name, and a first process that does nothing but reap (host.sh). */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Cidr } from "#core/cidr.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { inNamespace } from "./namespaces.ts";
import { netnsPath } from "./netns.ts";
import { isAlive, type ProcessId, parseStat } from "./processes.ts";
import { run } from "./run.ts";

export interface Host {
  /** Also of its network namespace, and of its end on the bridge: at most 15 characters. */
  readonly name: string;
  readonly address: Ipv4;
  /** A folder that stands for its disk; made where it is absent. */
  readonly disk: string;
}

/** A host that is on. */
export interface Machine {
  readonly name: string;
  readonly firstProcess: ProcessId;
  /** New at each boot. */
  readonly bootId: string;
  /** Resolves when its last process has ended. */
  readonly ended: Promise<void>;
}

const bridge = "underlay";
const script = join(import.meta.dirname, "host.sh");

/** The bridge's own end has no address: the sandbox itself is no host. */
export async function createUnderlay(signal: AbortSignal): Promise<void> {
  await ip(["-batch", "-"], [`link add ${bridge} type bridge`, `link set ${bridge} up`], signal);
}

/** Boots hosts that are off, all in one go. Where one can't be booted none of them stays on. */
export async function bootHosts(hosts: readonly Host[], underlay: Cidr, signal: AbortSignal): Promise<Machine[]> {
  const booted: Machine[] = [];
  try {
    await ip(["-batch", "-"], hosts.flatMap(outsideLines), signal);
    const boots = hosts.map(async (host) => {
      await ip(["-netns", host.name, "-batch", "-"], insideLines(host, underlay), signal);
      booted.push(await boot(host, signal));
    });
    // Nobody may go on while a part of this still runs.
    await Promise.allSettled(boots);
    await Promise.all(boots);
  } catch (error) {
    for (const machine of booted) kill(machine);
    await Promise.all(hosts.map(({ name }) => unplug(name)));
    throw error;
  }
  return hosts.flatMap(({ name }) => booted.find((machine) => machine.name === name) ?? []);
}

/**
 * Cuts the power: first the network, so that nobody hears of the end from the host itself, then every process at once. Of a host whose
 * first process has ended by itself it removes what is left. Resolves when nothing is there any more but its disk.
 */
export async function cutPower(machine: Machine): Promise<void> {
  await ip(["-force", "-batch", "-"], [`link del ${machine.name}`], stubborn).catch(() => {});
  kill(machine);
  await machine.ended;
  await unplug(machine.name);
}

/**
 * Starts a program on a host, as a child of this process and not of a helper's: its signals, its exit code and its end are the
 * program's own. So the pid namespace, which no process can enter by itself, is this process's for the moment of the start.
 */
export function spawnOn({ firstProcess }: Machine, argv: readonly string[], options: SpawnOptions): ChildProcess {
  const pid = String(firstProcess.pid);
  const enter = ["--target", pid, "--mount", "--uts", "--ipc", "--net", "--", ...argv];
  return inNamespace("pid", `/proc/${pid}/ns/pid`, () => spawn("nsenter", enter, options));
}

async function boot({ name, disk }: Host, signal: AbortSignal): Promise<Machine> {
  signal.throwIfAborted();
  const bootId = randomUUID();
  const bootIdPath = join(disk, "boot-id");
  mkdirSync(disk, { recursive: true, mode: 0o700 });
  writeFileSync(bootIdPath, `${bootId}\n`, { mode: 0o600 });
  // KILL to whoever waits outside must end the host too.
  const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL"];
  const enter = [`--net=${netnsPath(name)}`, "--", "unshare", ...namespaces, "--", "sh", script, name, bootIdPath];
  const child = spawn("nsenter", enter, { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const abort = () => child.kill("SIGKILL");
  signal.addEventListener("abort", abort, { once: true });
  try {
    const [told, complaint] = [firstLine(child.stdout), firstLine(child.stderr)];
    const firstProcess = parseStat(await told);
    if (firstProcess === undefined) throw new AppError("internal", `the host ${name} did not boot: ${await complaint}`);
    // Whoever has nothing else to do may end, and with it what it started.
    child.unref();
    return { name, firstProcess, bootId, ended };
  } finally {
    signal.removeEventListener("abort", abort);
    // What unshare says of its child's end is no news.
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

/** "" where the stream ends before it. */
function firstLine(stream: Readable): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    stream.once("close", () => resolve(""));
  });
}

function kill({ firstProcess }: Machine): void {
  if (isAlive(firstProcess)) process.kill(firstProcess.pid, "SIGKILL");
}

/** What is begun must come to its end: half a host would stand in the way of the next of its name. */
const stubborn = new AbortController().signal;

/** Removes its network, as far as there is any. */
async function unplug(name: string): Promise<void> {
  await ip(["-force", "-batch", "-"], [`link del ${name}`, `netns del ${name}`], stubborn).catch(() => {});
}

function outsideLines({ name, address }: Host): string[] {
  return [
    `netns add ${name}`,
    `link add ${name} type veth peer name eth0 address ${macOf(address)} netns ${name}`,
    `link set ${name} master ${bridge} addrgenmode none`,
    `link set ${name} up`,
  ];
}

/** The same at each boot, as a machine's is: whoever knows the host's address needn't learn anew where it is. */
function macOf(address: Ipv4): string {
  const bytes = formatIpv4(address).split(".").map(Number);
  return [0x02, 0x42, ...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

function insideLines({ address }: Host, { prefix }: Cidr): string[] {
  return ["link set lo up", `address add ${formatIpv4(address)}/${prefix} dev eth0`, "link set eth0 up"];
}

async function ip(options: readonly string[], lines: readonly string[], signal: AbortSignal): Promise<void> {
  await run(["ip", ...options], { input: `${lines.join("\n")}\n`, signal });
}
