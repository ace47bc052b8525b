/* What every daemon's main has in common: one signal that SIGTERM and SIGINT abort, and an exit code. */

import { isAppError, messageOf } from "#core/errors.ts";
import { keepCompiled } from "./compile-cache.ts";
import { type Flag, type FlagSource, helpText, wantsHelp } from "./flags.ts";
import type { Logger } from "./log.ts";

/** When the start is over and the moment is quiet. */
const flushMs = 2_000;

/**
 * What a daemon's flags say; undefined where it has nothing to do: help was asked for and printed, or the flags are wrong, which is
 * said on standard error with exit code 1.
 */
export function readOptions<T>({ usage, flags, parse }: DaemonFlags<T>): T | undefined {
  const argv = process.argv.slice(2);
  if (wantsHelp(argv)) {
    process.stdout.write(helpText(usage, flags));
    return undefined;
  }
  try {
    return parse({ argv, env: process.env });
  } catch (error) {
    if (!isAppError(error)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

export interface DaemonFlags<T> {
  readonly usage: string;
  readonly flags: Readonly<Record<string, Flag>>;
  parse(source: FlagSource): T;
}

/** Runs `main` until it returns; it returns soon after its signal aborted. Exit code 0, or 1 where it throws. */
export async function runDaemon(log: Logger, main: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const flush = setTimeout(keepCompiled, flushMs);
  const stop = (name: NodeJS.Signals) => {
    log.info({ signal: name }, "stopping");
    controller.abort();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  try {
    await main(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) {
      log.fatal({ err: error }, messageOf(error));
      process.exitCode = 1;
    }
  } finally {
    clearTimeout(flush);
    process.off("SIGTERM", stop);
    process.off("SIGINT", stop);
  }
}
