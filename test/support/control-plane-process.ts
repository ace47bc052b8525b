/* The control plane as a process of its own, for what only a process has: an exit code, files, and a death by kill -9. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface ControlPlaneProcess extends AsyncDisposable {
  /** The fields of the line that says that it serves; undefined where it ended before. */
  readonly ready: Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Its exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** All that it printed. */
  readonly output: readonly string[];
  kill(signal: NodeJS.Signals): Promise<void>;
}

const main = new URL("../../control-plane/main.ts", import.meta.url).pathname;

export function startControlPlaneProcess(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ControlPlaneProcess {
  const child: ChildProcess = spawn(process.execPath, [main, ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, ...env },
  });
  const output: string[] = [];
  const exited = once(child, "close").then(([code]) => code as number | null);
  const ready = new Promise<Readonly<Record<string, unknown>> | undefined>((resolve) => {
    void exited.then(() => resolve(undefined));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        output.push(line);
        if (line.includes('"control plane ready"')) resolve(JSON.parse(line));
      });
    }
  });
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return { ready, exited, output, kill, [Symbol.asyncDispose]: () => kill("SIGKILL") };
}
