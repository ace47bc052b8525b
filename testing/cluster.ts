/* A cluster for a test, as `podwire/testing` exports it:
 *
 *   await using cluster = await startCluster({ nodes: 3 });
 *   await cluster.apply(manifests);
 *   await cluster.exec("client", ["curl", "-s", "http://web/"]);
 *
 * It runs in the user's own test process and asks the CLI for everything. */

import { type CommandResult, mustRun, runCommand } from "./command.ts";
import { startContainers } from "./containers.ts";
import { startEmbedded } from "./embedded.ts";
import { launcher } from "./home.ts";
import type { Place, PlaceOptions } from "./place.ts";

export interface StartOptions {
  /** How many; node-1, node-2, … Three where it is absent. */
  readonly nodes?: number;
  /** The one or the other, where it must be that one. Embedded where the machine allows it, containers otherwise. */
  readonly as?: "embedded" | "containers";
}

export interface InNamespace {
  /** "default" where it is absent. */
  readonly namespace?: string;
}

/** As in Kubernetes. `get<V1Pod>(…)` gives it the type of a client library. */
export interface ClusterObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Cluster {
  readonly runsAs: "embedded" | "containers";
  /** Each an object, or YAML with any number of documents. Rejects with all that is wrong with them, and changes nothing then. */
  apply(...manifests: readonly (string | object)[]): Promise<void>;
  /** Files, or folders of them. */
  applyFiles(...paths: readonly string[]): Promise<void>;
  get<T = ClusterObject>(kind: string, name: string, options?: InNamespace): Promise<T>;
  list<T = ClusterObject>(kind: string, options?: InNamespace & { readonly selector?: string }): Promise<T[]>;
  delete(kind: string, name: string, options?: InNamespace): Promise<void>;
  /**
   * Resolves when an object, or with "--all" every one of its kind, satisfies what `podwire wait --for` knows:
   * `waitFor("pod", "--all", "condition=Ready")`. A minute where no time is given.
   */
  waitFor(kind: string, name: string, condition: string, options?: InNamespace & { readonly timeoutMs?: number }): Promise<void>;
  /** Runs a program in a container of a pod, whatever its exit code. */
  exec(
    pod: string,
    argv: readonly string[],
    options?: InNamespace & { readonly container?: string; readonly stdin?: string },
  ): Promise<ExecResult>;
  logs(pod: string, options?: InNamespace & { readonly container?: string }): Promise<string>;
  /** Any other verb of the CLI: its standard output. Rejects where its exit code isn't 0. */
  podwire(...args: readonly string[]): Promise<string>;
  /** Ends it; so does `await using`. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves when every node is Ready. Rejects with why the machine can't have a cluster. */
export async function startCluster({ nodes = 3, as }: StartOptions = {}): Promise<Cluster> {
  return useCluster(await startPlace({ nodes }, as));
}

async function startPlace(options: PlaceOptions, as: StartOptions["as"]): Promise<Place> {
  if (as === "embedded") return startEmbedded(options);
  if (as === "containers") return startContainers(options);
  try {
    return await startEmbedded(options);
  } catch (notEmbedded) {
    try {
      return await startContainers(options);
    } catch (noContainers) {
      throw new Error(`no cluster can be had here. Embedded: ${said(notEmbedded)}. In containers: ${said(noContainers)}`);
    }
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function useCluster({ runsAs, flags, end }: Place): Cluster {
  let ended: Promise<void> | undefined;
  const stop = () => {
    ended ??= end();
    return ended;
  };
  const argvOf = (args: readonly string[], { namespace = "default" }: InNamespace = {}) => {
    const [verb = "", ...rest] = args;
    return [launcher, verb, ...flags, "--namespace", namespace, ...rest];
  };
  const run = (args: readonly string[], options?: InNamespace, input?: string) => mustRun(argvOf(args, options), { input });
  return {
    runsAs,
    async apply(...manifests) {
      const documents = manifests.map((manifest) => (typeof manifest === "string" ? manifest : JSON.stringify(manifest)));
      await run(["apply", "-f", "-"], {}, documents.join("\n---\n"));
    },
    async applyFiles(...paths) {
      await run(["apply", ...paths.flatMap((path) => ["-f", path])]);
    },
    async get(kind, name, options) {
      return JSON.parse(await run(["get", kind, name, "-o", "json"], options));
    },
    async list(kind, { selector, ...options } = {}) {
      const narrowed = selector === undefined ? [] : ["-l", selector];
      return JSON.parse(await run(["get", kind, "-o", "json", ...narrowed], options)).items;
    },
    async delete(kind, name, options) {
      await run(["delete", kind, name], options);
    },
    async waitFor(kind, name, condition, { timeoutMs = 60_000, ...options } = {}) {
      await run(["wait", kind, name, `--for=${condition}`, `--timeout=${Math.ceil(timeoutMs / 1000)}s`], options);
    },
    async exec(pod, argv, { container, stdin, ...options } = {}) {
      const more = [...(container === undefined ? [] : ["-c", container]), ...(stdin === undefined ? [] : ["-i"])];
      const words = ["exec", "--quiet", pod, ...more, "--", ...argv];
      const { code, stdout, stderr }: CommandResult = await runCommand(argvOf(words, options), { input: stdin });
      return { exitCode: code, stdout, stderr };
    },
    logs: (pod, { container, ...options } = {}) =>
      run(["logs", pod, ...(container === undefined ? [] : ["-c", container])], options),
    podwire: (...args) => run(args),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
