/* Keeps a program running: starts it again when it ends, sooner at first and later when it ends again and again. */

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import { type Machine, spawnOn } from "./hosts.ts";

export interface Service {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets standard output and error. */
  readonly logPath: string;
  /** Where it runs: here where it is absent. */
  readonly machine?: Machine;
}

export interface Supervised {
  /** Resolves when the program has ended and is not to be started again. */
  readonly ended: Promise<void>;
  /** From now on it isn't started again. It gets the signal, where there is one; a later call may send another. */
  end(name?: NodeJS.Signals): void;
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

/** Runs until it is ended; the abort of the signal ends it with TERM. */
export function supervise(service: Service, options: SuperviseOptions): Supervised {
  const { signal } = options;
  const over = new AbortController();
  let child: ChildProcess | undefined;
  const end = (name?: NodeJS.Signals) => {
    over.abort();
    if (name !== undefined) child?.kill(name);
  };
  const onAbort = () => end("SIGTERM");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const start = () => {
    child = startOnce(service);
    return child;
  };
  const ended = keepRunning(service.name, start, { ...options, signal: over.signal });
  return { end, ended: ended.finally(() => signal.removeEventListener("abort", onAbort)) };
}

async function keepRunning(
  name: string,
  start: () => ChildProcess,
  { clock, rng, log, signal }: SuperviseOptions,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs();
    const end = await endOf(start);
    if (signal.aborted) return;
    failures = clock.monotonicMs() - startedMs > healthyMs ? 0 : failures + 1;
    log.warn({ service: name, end, failures }, "a program ended; starting it again");
    await clock.sleep(failures <= 1 ? 0 : backoffMs(failures - 2, restart, rng), signal).catch(() => {});
  }
}

/** How the program ended, or why it did not start. */
function endOf(start: () => ChildProcess): Promise<string> {
  return new Promise<string>((resolve, reject) => {
    const child = start();
    child.once("error", reject);
    child.once("exit", (code, name) => resolve(name ?? `exit code ${code}`));
  }).catch(messageOf);
}

function startOnce({ argv, env, logPath, machine }: Service): ChildProcess {
  const output = openSync(logPath, "a", 0o600);
  try {
    const options: SpawnOptions = { cwd: "/", env, stdio: ["ignore", output, output] };
    if (machine !== undefined) return spawnOn(machine, argv, options);
    const [program = "", ...args] = argv;
    return spawn(program, args, options);
  } finally {
    closeSync(output);
  }
}
