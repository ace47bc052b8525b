/* Docker's own command line, for what testcontainers has no word for. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const runMsMax = 110_000;

export interface DockerAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `docker ARGS…` to its end, whatever that is. */
export async function tryDocker(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<DockerAnswer> {
  const options = { env: { ...process.env, ...env }, timeout: runMsMax, maxBuffer: 64 * 1024 * 1024 };
  try {
    return { code: 0, ...(await promisify(execFile)("docker", args, options)) };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === "number" ? code : 1, stdout, stderr };
  }
}

/** Its standard output; throws where the exit code isn't 0. */
export async function docker(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, stdout, stderr } = await tryDocker(args, env);
  if (code !== 0) throw new Error(`docker ${args.join(" ")} ended with ${code}: ${stderr.trim()}`);
  return stdout.trim();
}
