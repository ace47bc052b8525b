/* The process around one run: real streams, signals, exit code. */

import process from "node:process";
import { runInForeground } from "#kernel/foreground.ts";
import { systemClock } from "#process/system-clock.ts";
import { runCli } from "./run-cli.ts";

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => interrupted.abort());

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupted.signal,
  clock: systemClock,
  runInForeground,
});
// Every write was awaited; an unfinished read of standard input must not keep us.
process.exit(exitCode);
