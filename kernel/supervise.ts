/* Keeps a program running: starts it again when it ends, sooner at first and later when it ends again and again. */

import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";

export interface Service {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets standard output and error. */
  readonly logPath: string;
}

export interface SuperviseOptions {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

const restart: BackoffOptions = { firstMs: 50, maxMs: 5_000 };
/** A program that ran this long starts again at once. */
const healthyMs = 10_000;

/** Runs until the signal aborts; the program gets TERM then. */
export async function supervise(service: Service, { clock, rng, log, signal }: SuperviseOptions): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    const end = await runOnce(service, signal);
    if (signal.aborted) return;
    failures = clock.monotonicMs() - startedMs > healthyMs ? 0 : failures + 1;
    log.warn({ service: service.name, end, failures }, "a program ended; starting it again");
    await clock.sleep(failures <= 1 ? 0 : backoffMs(failures - 2, restart, rng), signal).catch(() => {});
  }
}

function runOnce({ argv, env, logPath }: Service, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const [program = "", ...args] = argv;
    const output = openSync(logPath, "a", 0o600);
    const child = spawn(program, args, { cwd: "/", env, stdio: ["ignore", output, output] });
    closeSync(output);
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop, { once: true });
    const ended = (how: string) => {
      signal.removeEventListener("abort", stop);
      resolve(how);
    };
    child.once("error", (error) => ended(error.message));
    child.once("exit", (code, name) => ended(name ?? `exit code ${code}`));
  });
}
