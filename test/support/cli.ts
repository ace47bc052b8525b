/* The CLI in the test's own process, with streams that remember what was written. */

import { PassThrough, Readable, Writable } from "node:stream";
import type { Clock } from "#core/clock.ts";
import { systemClock } from "#process/system-clock.ts";
import type { CliContext } from "../../cli/cli-context.ts";
import { runCli } from "../../cli/run-cli.ts";
import { until } from "./until.ts";

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliRun extends AsyncDisposable {
  readonly stdin: PassThrough;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when standard output has `text`. */
  sees(text: string): Promise<void>;
  interrupt(): void;
  readonly result: Promise<CliResult>;
}

export interface TestCliOptions {
  /** PODWIRE_SERVER for every run. */
  readonly server?: string;
  readonly env?: CliContext["env"];
  readonly clock?: Clock;
  /** Stands in for the editor. */
  readonly runInForeground?: NonNullable<CliContext["runInForeground"]>;
}

export interface TestCli {
  /** To its end. */
  run(argv: readonly string[], stdin?: string | Uint8Array): Promise<CliResult>;
  /** As it is typed: words parted by spaces, none of them quoted. */
  type(line: string, stdin?: string): Promise<CliResult>;
  /** One that goes on. Its disposal interrupts it. */
  start(argv: readonly string[]): CliRun;
}

export function createTestCli({ server, env = {}, clock = systemClock, runInForeground }: TestCliOptions = {}): TestCli {
  const begin = (argv: readonly string[], stdin: Readable) => {
    const interrupted = new AbortController();
    const stdout = recorder();
    const stderr = recorder();
    const context: CliContext = {
      stdin,
      stdout: stdout.stream,
      stderr: stderr.stream,
      env: { XDG_RUNTIME_DIR: "/nonexistent", ...(server === undefined ? {} : { PODWIRE_SERVER: server }), ...env },
      signal: interrupted.signal,
      clock,
      ...(runInForeground === undefined ? {} : { runInForeground }),
    };
    const result = runCli(argv, context).then((code) => ({ code, stdout: stdout.text(), stderr: stderr.text() }));
    return { interrupted, stdout, stderr, result };
  };
  const run: TestCli["run"] = (argv, stdin = "") => begin(argv, Readable.from([Buffer.from(stdin)])).result;
  return {
    run,
    type: (line, stdin) => run(line.split(" "), stdin),
    start(argv) {
      const stdin = new PassThrough();
      const { interrupted, stdout, stderr, result } = begin(argv, stdin);
      return {
        stdin,
        get stdout() {
          return stdout.text();
        },
        get stderr() {
          return stderr.text();
        },
        async sees(text) {
          await until(() => stdout.text().includes(text), `${JSON.stringify(text)} in the output of ${argv.join(" ")}`);
        },
        interrupt: () => interrupted.abort(),
        result,
        async [Symbol.asyncDispose]() {
          interrupted.abort();
          await result;
        },
      };
    },
  };
}

function recorder() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}
