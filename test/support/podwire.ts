/* The real CLI as a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import type { CliResult } from "./cli.ts";
import type { OrdinaryUser } from "./ordinary-user.ts";
import { until } from "./until.ts";

const checkout = join(import.meta.dirname, "..", "..", "podwire");
const runMsMax = 60_000;

export interface PodwireOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  /** Another CLI than the checkout's. */
  readonly launcher?: string;
  /** Root where it is absent. */
  readonly user?: OrdinaryUser | undefined;
}

export interface PodwireRun extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when either stream has shown `text`. */
  says(text: string): Promise<void>;
  /** `code` is 128 + signal where one ended it. */
  readonly result: Promise<CliResult>;
}

/** The environment of the tests without what points to a cluster of the machine. */
export function cleanEnv(extra: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PODWIRE_") && name !== "XDG_RUNTIME_DIR");
  return { ...(Object.fromEntries(kept) as Record<string, string>), ...extra };
}

/** Starts the CLI. Its disposal kills it. */
export function startPodwire(args: readonly string[], { env, stdin, cwd, user, launcher }: PodwireOptions): PodwireRun {
  const [program = "", ...words] = commandLine(args, user, launcher);
  const child = spawn(program, words, { env: { ...env }, cwd, stdio: ["pipe", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  // A program may end without reading what it is given.
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const timer = setTimeout(() => child.kill("SIGKILL"), runMsMax);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? (signal === "SIGKILL" ? 137 : 130), ...texts });
    });
  });
  return {
    process: child,
    get stdout() {
      return texts.stdout;
    },
    get stderr() {
      return texts.stderr;
    },
    async says(text) {
      await until(
        () => `${texts.stdout}${texts.stderr}`.includes(text),
        `${JSON.stringify(text)} from podwire ${args.join(" ")}`,
      );
    },
    result,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await result;
    },
  };
}

/** Starts the CLI as `user`. */
export function commandLine(args: readonly string[], user: OrdinaryUser | undefined, launcher = checkout): readonly string[] {
  return user === undefined ? [launcher, ...args] : [...user.words, user.launcher, ...args];
}

/** Runs the CLI to its end. */
export function runPodwire(args: readonly string[], options: PodwireOptions): Promise<CliResult> {
  return startPodwire(args, options).result;
}
