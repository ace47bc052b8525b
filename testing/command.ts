/* Programs that the helper starts. It runs in a user's test process, on whichever Node that is, and so uses nothing else of Podwire. */

import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | undefined;
}

export interface CommandResult {
  /** 128 + 9 where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const bytesMax = 64 * 1024 * 1024;

/** Runs a program to its end, whatever that is. */
export function runCommand([program = "", ...args]: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { env = {}, input = "" } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
    const texts = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        texts[name] += text;
        if (texts[name].length > bytesMax) child.kill("SIGKILL");
      });
    }
    // It may end without reading what it is given.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 137, ...texts }));
  });
}

/** Its standard output; throws what it said where the exit code isn't 0. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runCommand(argv, options);
  if (code !== 0) throw new Error(`${argv.slice(0, 4).join(" ")} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}
