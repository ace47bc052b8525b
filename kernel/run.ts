/* Programs are started with argument arrays, never through a shell. A missing one is named with the Debian package that has it. */

import { spawn } from "node:child_process";
import { AppError, messageOf } from "#core/errors.ts";

/** Every system program that Podwire starts, and the package that brings it. */
export const programPackages = {
  conntrack: "conntrack",
  hostname: "hostname",
  ip: "iproute2",
  mount: "mount",
  nft: "nftables",
  nsenter: "util-linux",
  ping: "iputils-ping",
  setpriv: "util-linux",
  tini: "tini",
  unshare: "util-linux",
} as const;

export type Program = keyof typeof programPackages;

/** A program that ended badly: what ran, what it said. */
export class RunError extends AppError {
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(argv: readonly string[], exitCode: number | undefined, stderr: string, cause?: unknown) {
    super("internal", `${argv.slice(0, 6).join(" ")}: ${stderr.trim() || `exit code ${exitCode}`}`, { cause });
    this.name = "RunError";
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface RunOptions {
  readonly signal: AbortSignal;
  /** Goes to standard input. */
  readonly input?: string;
  /** The whole environment; this process's where it is absent. */
  readonly env?: Readonly<Record<string, string>>;
}

const outputBytesMax = 64 * 1024 * 1024;

/** Runs a program to its end and answers its standard output; throws a RunError where it exits with anything but 0. */
export function run(argv: readonly [Program, ...string[]], { signal, input, env }: RunOptions): Promise<string> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], signal, env });
    child.on("error", (error) => reject(signal.aborted ? signal.reason : startFailure(argv, error)));
    // Without a descriptor left there are no streams, and the error is on its way.
    if (child.stdin === undefined) return;
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    const collect = (into: Buffer[]) => (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= outputBytesMax) into.push(chunk);
      else child.kill("SIGKILL");
    };
    child.stdout.on("data", collect(out));
    child.stderr.on("data", collect(err));
    // A program that ends before it has read its input is judged by its exit code.
    child.stdin.on("error", () => {});
    child.on("close", (code) => {
      const stderr = Buffer.concat(err).toString();
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(signal.aborted ? signal.reason : new RunError(argv, code ?? undefined, stderr));
    });
    child.stdin.end(input ?? "");
  });
}

function startFailure(argv: readonly [Program, ...string[]], error: Error): AppError {
  const [program] = argv;
  if ("code" in error && error.code === "ENOENT") {
    return new AppError(
      "failed-precondition",
      `the program "${program}" is missing: install the package ${programPackages[program]} (or run \`npm run setup\`)`,
      { cause: error },
    );
  }
  return new RunError(argv, undefined, messageOf(error), error);
}
