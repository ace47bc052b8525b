/* `podwire exec`: a program in a pod, with our standard streams and its exit code. */

import type { Readable } from "node:stream";
import { AppError, type ErrorKind, unreachable } from "#core/errors.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { ExecStart } from "#proto/podwire/v1/streams.ts";
import { connect } from "../connect.ts";
import { onePod } from "../one-pod.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface ExecOptions {
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly container?: string;
  readonly quiet?: boolean;
}

export const execVerb: Verb<ExecOptions> = {
  usage: "(POD | pod/NAME) [-c CONTAINER] [-i] -- PROGRAM [ARGUMENT…]",
  description: "Run a program in a container of a pod. Its output, errors and exit code become the command's own.",
  examples: `
    # From one pod to another
    podwire exec client -- curl -s http://10.244.2.3:8080/

    # With standard input
    echo hello | podwire exec -i client -- tr a-z A-Z`,
  flags(command) {
    command
      .option("-i, --stdin", "pass standard input on")
      .option("-t, --tty", "a terminal; comes in a later version")
      .option("-c, --container <name>", "which container; the pod's first where absent")
      .option("-q, --quiet", "print nothing of our own");
  },
  async run(invocation) {
    const start = readStart(invocation);
    const { context, printer, signal, options } = invocation;
    using connection = await connect(invocation);
    const over = new AbortController();
    const requests = requestsOf(start, { stdin: context.stdin, over: over.signal });
    try {
      for await (const { frame } of connection.client.exec(requests, { signal })) {
        if (frame === undefined) continue;
        switch (frame.$case) {
          case "stdout":
            await printer.print(frame.value);
            break;
          case "stderr":
            await printer.printError(frame.value);
            break;
          case "exit": {
            const { code } = frame.value;
            if (code !== 0 && options.quiet !== true) await printer.printError(`command terminated with exit code ${code}\n`);
            return code;
          }
          case "error":
            throw new AppError(frame.value.kind as ErrorKind, frame.value.message);
          default:
            return unreachable(frame);
        }
      }
    } finally {
      over.abort();
    }
    throw new AppError("unavailable", "the stream ended before the command did: its exit code is unknown");
  },
};

function readStart({ args, afterDashes, options, globals }: Invocation<ExecOptions>): ExecStart {
  const [word, ...stray] = args;
  if (options.tty === true)
    throw new UsageError(
      "-t is not supported yet: terminals come in a later version of podwire; use -i alone to pass standard input",
    );
  if (word === undefined) throw new UsageError("pod, type/name or --filename must be specified");
  if (stray.length > 0) {
    throw new UsageError("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead", { inFlags: true });
  }
  if (afterDashes === undefined || afterDashes.length === 0) {
    throw new UsageError("you must specify at least one command for the container: exec POD -- PROGRAM", { inFlags: true });
  }
  return {
    namespace: globals.namespace,
    pod: onePod(word),
    container: options.container ?? "",
    command: [...afterDashes],
    stdin: options.stdin === true,
    tty: false,
  };
}

const frameBytesMax = 32 * 1024;

interface InputOptions {
  readonly stdin: Readable;
  /** Aborts when the program has ended. */
  readonly over: AbortSignal;
}

/** What we send. It stays open until the program has ended: only the frame `stdinEnd` ends its input. */
async function* requestsOf(start: ExecStart, { stdin, over }: InputOptions): AsyncGenerator<ExecRequest> {
  yield { message: { $case: "start", value: start } };
  const ended = new Promise<undefined>((resolve) => over.addEventListener("abort", () => resolve(undefined), { once: true }));
  if (start.stdin) {
    const chunks = stdin[Symbol.asyncIterator]();
    for (;;) {
      // A program may end while nobody types.
      const next = await Promise.race([chunks.next(), ended]);
      if (next === undefined || over.aborted) return;
      if (next.done) break;
      for (const frame of framesOf(Buffer.from(next.value))) yield inputMessage({ $case: "stdin", value: frame });
    }
    yield inputMessage({ $case: "stdinEnd", value: {} });
  }
  await ended;
}

function inputMessage(frame: { $case: "stdin"; value: Uint8Array } | { $case: "stdinEnd"; value: object }): ExecRequest {
  return { message: { $case: "input", value: { frame } } };
}

function* framesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += frameBytesMax) yield bytes.subarray(at, at + frameBytesMax);
}
