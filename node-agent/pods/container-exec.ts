/* Runs a command in a container for its exit code and the beginning of its output: what probes and hooks do. */

import type { Containers, ExecCommand } from "#kernel/containers.ts";

const outputBytesMax = 10 * 1024;

export interface ExecResult {
  readonly code: number;
  readonly output: string;
}

/** When the signal aborts the command is killed, and what it printed so far is the answer. */
export async function execInContainer(
  containers: Containers,
  stateDir: string,
  command: ExecCommand,
  signal: AbortSignal,
): Promise<ExecResult> {
  signal.throwIfAborted();
  const exec = containers.exec(stateDir, command);
  exec.stdin.on("error", () => {});
  exec.stdin.end();
  const chunks: Buffer[] = [];
  let size = 0;
  for (const stream of [exec.stdout, exec.stderr]) {
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      if (size < outputBytesMax) chunks.push(chunk.subarray(0, outputBytesMax - size));
      size += chunk.length;
    });
  }
  const kill = () => exec.kill();
  signal.addEventListener("abort", kill, { once: true });
  try {
    const code = await exec.exitCode;
    return { code, output: Buffer.concat(chunks).toString().trim() };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
