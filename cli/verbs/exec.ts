/* `podwire exec`: a program in a pod, with our standard streams, perhaps our terminal, and its exit code. */

import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { ExecStart } from "#proto/podwire/v1/streams.ts";
import { connect } from "../connect.ts";
import { onePod } from "../one-pod.ts";
import { type InputOptions, inputFrames } from "../streams/input.ts";
import { chooseContainer } from "../streams/one-container.ts";
import { printOutput } from "../streams/output.ts";
import { openUserTerminal } from "../streams/user-terminal.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface ExecOptions {
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly container?: string;
  readonly quiet?: boolean;
}

export const execVerb: Verb<ExecOptions> = {
  usage: "(POD | pod/NAME) [-c CONTAINER] [flags] -- PROGRAM [ARGUMENT…]",
  description: "Run a program in a container of a pod. Its output, errors and exit code become the command's own.",
  examples: `
    # From one pod to another
    podwire exec client -- curl -s http://10.244.2.3:8080/

    # With standard input
    echo hello | podwire exec -i client -- tr a-z A-Z

    # A shell
    podwire exec -it client -- bash`,
  flags(command) {
    command
      .option("-i, --stdin", "pass standard input on")
      .option("-t, --tty", "with -i: the program gets a terminal, and yours goes to it key by key")
      .option("-c, --container <name>", "which container; the pod's default where absent")
      .option("-q, --quiet", "print nothing of our own");
  },
  async run(invocation) {
    const { namespace, pod, command } = readWords(invocation);
    const { context, printer, signal, options } = invocation;
    const { stdin = false, quiet = false } = options;
    using connection = await connect(invocation);
    const choice = { namespace, pod, container: options.container ?? "", quiet };
    const container = await chooseContainer(choice, { connection, printer, signal });
    using terminal = stdin && options.tty === true ? openUserTerminal(context.stdin, context.stdout) : undefined;
    if (stdin && options.tty === true && terminal === undefined && !quiet) {
      await printer.printError("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    const start: ExecStart = { namespace, pod, container, command, stdin, tty: terminal !== undefined };
    const over = new AbortController();
    const requests = requestsOf(start, { stdin: stdin ? context.stdin : undefined, terminal, over: over.signal });
    try {
      const code = await printOutput(connection.client.exec(requests, { signal }), printer);
      terminal?.[Symbol.dispose]();
      if (code !== 0 && !quiet) await printer.printError(`command terminated with exit code ${code}\n`);
      return code;
    } finally {
      over.abort();
    }
  },
};

function readWords({ args, afterDashes, globals }: Invocation<ExecOptions>): Pick<ExecStart, "namespace" | "pod" | "command"> {
  const [word, ...stray] = args;
  if (word === undefined) throw new UsageError("pod, type/name or --filename must be specified");
  if (stray.length > 0) {
    throw new UsageError("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead", { inFlags: true });
  }
  if (afterDashes === undefined || afterDashes.length === 0) {
    throw new UsageError("you must specify at least one command for the container: exec POD -- PROGRAM", { inFlags: true });
  }
  return { namespace: globals.namespace, pod: onePod(word), command: [...afterDashes] };
}

async function* requestsOf(start: ExecStart, options: InputOptions): AsyncGenerator<ExecRequest, void, undefined> {
  yield { message: { $case: "start", value: start } };
  for await (const value of inputFrames(options)) yield { message: { $case: "input", value } };
}
