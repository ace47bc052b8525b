/* Real containers for tests, in folders that go away with them. */

import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { sweepCgroups } from "#kernel/cgroups.ts";
import type { ContainerState } from "#kernel/container-state.ts";
import { type Command, type ContainerSpec, type Exec, linuxContainers } from "#kernel/containers.ts";
import type { ProcessId } from "#kernel/processes.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";

export const containerPath = "/run/podwire/toolbox:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface TestContainer {
  readonly stateDir: string;
  readonly logPath: string;
  readonly state: ContainerState;
  log(): string;
  /** Waits for the end and answers the exit code. */
  exitCode(): Promise<number | undefined>;
  /** The first process of a running container. */
  init(): ProcessId;
}

export interface ContainerLab extends AsyncDisposable {
  readonly folder: string;
  spec(argv: readonly string[], more?: Partial<ContainerSpec> & Partial<Command>): ContainerSpec;
  start(argv: readonly string[], more?: Partial<ContainerSpec> & Partial<Command>): Promise<TestContainer>;
  /** One that runs until the lab goes. */
  startIdle(more?: Partial<ContainerSpec> & Partial<Command>): Promise<TestContainer>;
  at(spec: Pick<ContainerSpec, "stateDir" | "logPath">): TestContainer;
}

const { signal } = new AbortController();

export function openContainerLab(): ContainerLab {
  requireSandbox();
  const folder = mkdtempSync(join(tmpdir(), "podwire-containers-"));
  let count = 0;

  const lab: ContainerLab = {
    folder,
    spec(argv, { env = {}, workingDir, ...more } = {}) {
      count += 1;
      return {
        stateDir: join(folder, String(count)),
        logPath: join(folder, `${count}.log`),
        hidden: join(folder, "hidden"),
        hostname: "inside",
        hosts: "127.0.0.1\tlocalhost\n10.244.1.2\tinside\n",
        resolvConf: "search shop.svc.cluster.local\noptions ndots:5\n",
        command: { argv, env: { PATH: containerPath, ...env }, ...(workingDir === undefined ? {} : { workingDir }) },
        ...more,
      };
    },
    async start(argv, more) {
      const spec = lab.spec(argv, more);
      await linuxContainers.start(spec, { signal });
      return lab.at(spec);
    },
    startIdle: (more) => lab.start(["sleep", "infinity"], more),
    at({ stateDir, logPath }) {
      return {
        stateDir,
        logPath,
        get state() {
          return linuxContainers.read(stateDir);
        },
        log: () => readFileSync(logPath, "utf8"),
        async exitCode() {
          await linuxContainers.exited(stateDir, AbortSignal.timeout(20_000));
          const state = linuxContainers.read(stateDir);
          if (state.state !== "exited") throw new Error(`the container is ${state.state}`);
          return state.code;
        },
        init() {
          const state = linuxContainers.read(stateDir);
          if (state.state !== "running") throw new Error(`the container is ${state.state}`);
          return state.init;
        },
      };
    },
    async [Symbol.asyncDispose]() {
      const stateDirs = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      for (const { name } of stateDirs) {
        const stateDir = join(folder, name);
        linuxContainers.kill(stateDir);
        // One whose starter was killed stays "starting" without a process.
        const isOver = () => !isUnderWay(linuxContainers.read(stateDir).state) || processesNamed(stateDir).length === 0;
        await until(isOver, `the end of ${name}`).catch(() => {});
      }
      // Of those that were killed before they could say who they are.
      sweepCgroups(join(folder, "hidden"));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return lab;
}

function isUnderWay(state: ContainerState["state"]): boolean {
  return state === "running" || state === "starting";
}

export interface ExecEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in a container to its end. */
export async function execIn(
  { stateDir }: TestContainer,
  argv: readonly string[],
  input = "",
  more: Partial<Command> = {},
): Promise<ExecEnd> {
  const exec = linuxContainers.exec(stateDir, { argv, env: { PATH: containerPath }, ...more });
  exec.stdin.on("error", () => {});
  exec.stdin.end(input);
  const [code, stdout, stderr] = await Promise.all([exec.exitCode, textOf(exec.stdout), textOf(exec.stderr)]);
  return { code, stdout, stderr };
}

async function textOf(stream: Exec["stdout"]): Promise<string> {
  return (await buffer(stream)).toString();
}

/** Every living process of the container whose script this is, and what was put into it. */
export function processesLike(pid: number): number[] {
  const namespace = pidNamespace(pid);
  if (namespace === undefined) return [];
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((other) => pidNamespace(other) === namespace && !isZombie(other));
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function isZombie(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

/** All processes whose arguments contain `text`. */
export function processesNamed(text: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").includes(text);
      } catch {
        return false;
      }
    });
}
