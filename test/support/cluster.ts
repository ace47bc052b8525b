/* A cluster of a test, brought up by the real `podwire up --detach` in a folder of its own. Its disposal takes it down and proves
 * that nothing of it is left. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { identify, isAlive, type ProcessId, parseStat } from "#kernel/processes.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import type { CliResult } from "./cli.ts";
import type { OrdinaryUser } from "./ordinary-user.ts";
import { cleanEnv, type PodwireRun, runPodwire, startPodwire } from "./podwire.ts";
import { allPids, type ProcessInfo, processesBelow, processInfo } from "./proc.ts";
import { requireSandbox } from "./sandbox.ts";
import { until } from "./until.ts";

export interface ClusterOptions {
  /** 2 where it is absent; 0: as the flags say. */
  readonly nodes?: number;
  /** More flags of `up`. */
  readonly flags?: readonly string[];
  /** Root where it is absent. */
  readonly user?: OrdinaryUser;
}

export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** The cluster's own folder. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs the CLI on this cluster, whatever it answers. */
  podwire(...args: readonly string[]): Promise<CliResult>;
  /** Its standard output; throws where the exit code isn't 0. */
  run(...args: readonly string[]): Promise<string>;
  /** With standard input. */
  feed(stdin: string | Uint8Array, ...args: readonly string[]): Promise<CliResult>;
  start(...args: readonly string[]): PodwireRun;
  /** `apply -f -`; throws where something is refused. */
  apply(...manifests: readonly object[]): Promise<string>;
  /** Applies pods and waits until all are Ready. */
  makePods(...manifests: readonly object[]): Promise<Pod[]>;
  pod(name: string, namespace?: string): Promise<Pod>;
  node(name: string): Promise<Node>;
  readonly pids: ClusterPids;
  /** What runs in a container, from its first process on: container.sh, the command, and what that started. */
  containerProcesses(pod: Pod, container?: string): readonly ProcessInfo[];
  /** Runs a program of the machine in a host's network namespace; its standard output. */
  onHost(node: string, program: string, ...args: readonly string[]): Promise<string>;
  /** Every process of the cluster. */
  processes(): ProcessInfo[];
}

export interface ClusterPids {
  readonly init: number;
  readonly supervisor: number;
  readonly controlPlane: number;
  agent(node: string): number;
  /** Of a host, the control plane's among them: its first process. */
  host(name: string): number;
}

export async function startCluster({ nodes = 2, flags = [], user }: ClusterOptions = {}): Promise<Cluster> {
  requireSandbox();
  const folder = clusterHome(user);
  const name = `t-${randomBytes(3).toString("hex")}`;
  const env = cleanEnv({ XDG_RUNTIME_DIR: folder, ...(user && { HOME: user.home }) });
  const count = nodes === 0 ? [] : ["--nodes", String(nodes)];
  const up = await runPodwire(["up", "--detach", "--name", name, ...count, ...flags], { env, user });
  try {
    assert.equal(up.code, 0, `podwire up failed: ${up.stderr}`);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return openCluster({ name, env, folder, user });
}

/** A folder for XDG_RUNTIME_DIR, of the user's own. */
export function clusterHome(user?: OrdinaryUser): string {
  const folder = mkdtempSync(join(tmpdir(), "podwire-e2e-"));
  if (user !== undefined) chownSync(folder, user.uid, user.uid);
  return folder;
}

export interface RunningUp {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** What XDG_RUNTIME_DIR says; removed in the end. */
  readonly folder: string;
  readonly user?: OrdinaryUser | undefined;
}

/** A cluster that is up. */
export function openCluster({ name, env, folder, user }: RunningUp): Cluster {
  const dir = join(folder, "podwire", name);
  const onCluster = { ...env, PODWIRE_CLUSTER: name };
  const podwire: Cluster["podwire"] = (...args) => runPodwire(args, { env: onCluster, user });
  const feed: Cluster["feed"] = (stdin, ...args) => runPodwire(args, { env: onCluster, stdin, user });
  const succeeded = ({ code, stdout, stderr }: CliResult, what: string) => {
    assert.equal(code, 0, `${what} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const run: Cluster["run"] = async (...args) => succeeded(await podwire(...args), `podwire ${args.join(" ")}`);
  const read = async <T>(kind: string, object: string, namespace: string) =>
    JSON.parse(await run("get", kind, object, "-n", namespace, "-o", "json")) as T;
  const pod: Cluster["pod"] = (object, namespace = "default") => read<Pod>("pod", object, namespace);
  const apply: Cluster["apply"] = async (...manifests) =>
    succeeded(
      await feed(JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }), "apply", "-f", "-"),
      "podwire apply",
    );
  const init = () => sandboxOf(dir);
  const processes = () => {
    const first = init();
    return first === undefined ? [] : processesBelow(first.pid);
  };
  const daemon = (...words: readonly string[]) => {
    const found = processes().find(({ argv }) => isNode(argv) && words.every((word) => argv.some((part) => part.endsWith(word))));
    assert.ok(found, `no process of cluster ${name} has ${words.join(" ")} in its command line`);
    return found.pid;
  };
  return {
    name,
    dir,
    env: onCluster,
    podwire,
    run,
    feed,
    start: (...args) => startPodwire(args, { env: onCluster, user }),
    apply,
    async makePods(...manifests) {
      await apply(...manifests);
      const names = manifests.map((manifest) => (manifest as Pod).metadata?.name ?? "");
      await run("wait", "--for=condition=Ready", ...names.map((object) => `pod/${object}`), "--timeout=20s");
      return Promise.all(names.map((object) => pod(object)));
    },
    pod,
    node: (object) => read<Node>("node", object, "default"),
    pids: {
      get init() {
        return init()?.pid ?? assert.fail("the cluster is down");
      },
      get supervisor() {
        return daemon("embedded/supervisor.ts");
      },
      get controlPlane() {
        return daemon("control-plane/main.ts");
      },
      agent: (node) => daemon("node-agent/main.ts", node),
      host(name) {
        const outside = processes().find(
          ({ argv }) => argv[0] === "unshare" && argv.some((word, i) => word === name && argv[i - 1]?.endsWith("/host.sh")),
        );
        return processesBelow(outside?.pid ?? 0)[0]?.pid ?? assert.fail(`the host ${name} is off`);
      },
    },
    containerProcesses({ metadata, spec }, container = spec?.containers[0]?.name ?? "") {
      // container.sh has the folder of its run in its command line; of its two processes it is the one inside.
      const folderOfRuns = join(dir, "state", spec?.nodeName ?? "", "pods", metadata?.uid ?? "", "containers", container);
      const first = allPids()
        .map(processInfo)
        .find(({ pid, argv }) => argv[0] === "sh" && argv[2]?.startsWith(`${folderOfRuns}/`) && namespacePids(pid).at(-1) === 1);
      return first === undefined ? [] : [first, ...processesBelow(first.pid)];
    },
    async onHost(node, program, ...args) {
      const enter = ["--target", String(daemon("node-agent/main.ts", node)), "--net", "--mount", "--"];
      return (await promisify(execFile)("nsenter", [...enter, program, ...args])).stdout;
    },
    processes,
    async [Symbol.asyncDispose]() {
      const own = processes().map(({ pid }) => identify(pid));
      const { code, stderr } = await runPodwire(["down", "--name", name], { env, user });
      try {
        assert.equal(code, 0, stderr);
        await assertNothingLeft({ dir, processes: own });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

export interface Leavings {
  readonly dir: string;
  readonly processes: readonly (ProcessId | undefined)[];
}

/** The kernel may need a moment after the first process's end until the last of the others is gone. */
export async function assertNothingLeft({ dir, processes }: Leavings): Promise<void> {
  assert.equal(existsSync(dir), false, `${dir} is still there`);
  const alive = () => processes.filter((id) => id !== undefined && isAlive(id));
  await until(() => alive().length === 0, `the end of ${alive().length} processes of a cluster that is down`, 2_000);
}

/** The sandbox's first process, from the file that it leaves; undefined where it is dead. */
export function sandboxOf(dir: string): ProcessId | undefined {
  try {
    const id = parseStat(readFileSync(join(dir, "sandbox"), "utf8"));
    return id !== undefined && isAlive(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** A process's numbers, from the one in our pid namespace to the one in its own. */
function namespacePids(pid: number): number[] {
  try {
    const line = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
    return line.split("\t").map(Number);
  } catch {
    return [];
  }
}

/** Not the programs around it, such as tini and nsenter, whose command lines hold the same words. */
function isNode(argv: readonly string[]): boolean {
  return argv[0]?.endsWith("/node") ?? false;
}
