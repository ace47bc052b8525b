/* `podwire attach`: the output of a container's own program from now on, and its input. */

import type { AttachRequest } from "#proto/podwire/v1/cluster.ts";
import type { AttachStart } from "#proto/podwire/v1/streams.ts";
import { connect } from "../connect.ts";
import { onePod } from "../one-pod.ts";
import { type InputOptions, inputFrames } from "../streams/input.ts";
import { chooseContainer } from "../streams/one-container.ts";
import { printOutput } from "../streams/output.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface AttachOptions {
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly container?: string;
  readonly quiet?: boolean;
}

export const attachVerb: Verb<AttachOptions> = {
  usage: "(POD | pod/NAME) [-c CONTAINER] [-i]",
  description:
    "Attach to the program that already runs in a container: what it prints from now on, until it ends; with -i your standard input goes to it, where the container has stdin: true, and with stdinOnce: true its end too.",
  examples: `
    # What the pod prints from now on
    podwire attach web

    # With standard input
    echo stop | podwire attach -i console`,
  flags(command) {
    command
      .option("-i, --stdin", "pass standard input on")
      .option("-t, --tty", "no container has a terminal of its own: says so and goes on without")
      .option("-c, --container <name>", "which container; the pod's default where absent")
      .option("-q, --quiet", "print nothing of our own");
  },
  async run(invocation) {
    const { args, afterDashes = [], globals, options, context, printer, signal } = invocation;
    const [word, ...stray] = [...args, ...afterDashes];
    if (word === undefined) throw new UsageError("at least 1 argument is required for attach");
    if (stray.length > 0) throw new UsageError(`expected POD, TYPE/NAME, or TYPE NAME, got ${stray.length + 1} arguments`);
    const { namespace } = globals;
    const pod = onePod(word);
    const { stdin = false, quiet = false } = options;
    using connection = await connect(invocation);
    const choice = { namespace, pod, container: options.container ?? "", quiet };
    const container = await chooseContainer(choice, { connection, printer, signal });
    if (options.tty === true && !quiet) {
      await printer.printError(`error: Unable to use a TTY - container ${container} did not allocate one\n`);
    }
    const over = new AbortController();
    const start: AttachStart = { namespace, pod, container, stdin };
    const requests = requestsOf(start, { stdin: stdin ? context.stdin : undefined, over: over.signal });
    try {
      return await printOutput(connection.client.attach(requests, { signal }), printer);
    } finally {
      over.abort();
    }
  },
};

async function* requestsOf(start: AttachStart, options: InputOptions): AsyncGenerator<AttachRequest, void, undefined> {
  yield { message: { $case: "start", value: start } };
  for await (const value of inputFrames(options)) yield { message: { $case: "input", value } };
}
