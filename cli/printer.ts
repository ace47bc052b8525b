/* Writes text and bytes to the two output streams, as fast as the reader takes them. A reader that left ends the run
 * quietly, as the signal SIGPIPE would. */

import type { Writable } from "node:stream";
import type { Environment } from "#process/cluster-paths.ts";
import { type Paint, paintComplaints, paintFor } from "./colour.ts";

/** The reader of our output is gone. */
export class BrokenPipe extends Error {
  constructor() {
    super("the reader of the output is gone");
    this.name = "BrokenPipe";
  }
}

export interface Printer extends Disposable {
  /** To standard output. Resolves when the stream took it; rejects with BrokenPipe. */
  print(chunk: string | Uint8Array): Promise<void>;
  /** To standard error. */
  printError(chunk: string | Uint8Array): Promise<void>;
  /** For what is printed to standard output. */
  readonly paint: Paint;
  /** Aborts when the reader of standard output leaves. */
  readonly signal: AbortSignal;
}

export interface PrinterStreams {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly env: Environment;
}

export function createPrinter({ stdout, stderr, env }: PrinterStreams): Printer {
  const paintError = paintFor(stderr, env);
  const broken = new AbortController();
  // Each write reports its own failure; without a listener the streams' error event would end the process.
  const onBroken = () => broken.abort(new BrokenPipe());
  const ignore = () => {};
  stdout.on("error", onBroken);
  stderr.on("error", ignore);
  return {
    signal: broken.signal,
    print: (chunk) => write(stdout, chunk),
    paint: paintFor(stdout, env),
    printError(chunk) {
      const painted = typeof chunk === "string" ? paintComplaints(chunk, paintError) : chunk;
      return write(stderr, painted).catch(ignore);
    },
    [Symbol.dispose]() {
      stdout.off("error", onBroken);
      stderr.off("error", ignore);
    },
  };
}

function write(stream: Writable, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(chunk, (error) => (error ? reject(new BrokenPipe()) : resolve()));
  });
}
