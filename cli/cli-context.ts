/* Everything that a run of the CLI touches outside itself, as one argument: tests hand in their own. */

import type { Readable, Writable } from "node:stream";
import type { Clock } from "#core/clock.ts";
import type { Environment } from "#process/cluster-paths.ts";

export interface CliContext {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Environment;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Runs a program that has the terminal until it ends; answers its exit code. Absent where there is none to have. */
  readonly runInForeground?: (argv: readonly string[], signal: AbortSignal) => Promise<number>;
}
