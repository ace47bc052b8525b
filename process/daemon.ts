/* What every daemon's main has in common: one signal that SIGTERM and SIGINT abort, and an exit code. */

import { messageOf } from "#core/errors.ts";
import { keepCompiled } from "./compile-cache.ts";
import type { Logger } from "./log.ts";

/** When the start is over and the moment is quiet. */
const flushMs = 2_000;

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
