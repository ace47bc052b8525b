/* Writes text and bytes to the two output streams, as fast as the reader takes them. A reader that left ends the run
 * quietly, as the signal SIGPIPE would. */

import type { Writable } from "node:stream";

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
  /** Aborts when the reader of standard output leaves. */
  readonly signal: AbortSignal;
}

export function createPrinter(stdout: Writable, stderr: Writable): Printer {
  const broken = new AbortController();
  // Each write reports its own failure; without a listener the streams' error event would end the process.
  const onBroken = () => broken.abort(new BrokenPipe());
  const ignore = () => {};
  stdout.on("error", onBroken);
  stderr.on("error", ignore);
  return {
    signal: broken.signal,
    print: (chunk) => write(stdout, chunk),
    printError: (chunk) => write(stderr, chunk).catch(ignore),
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
