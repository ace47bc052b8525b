import { AppError, type ErrorKind, unreachable } from "#core/errors.ts";
import { connect } from "../connect.ts";
import { integerFlag } from "../duration.ts";
import { onePod } from "../one-pod.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface LogsOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly tail: number;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
}

export const logsVerb: Verb<LogsOptions> = {
  usage: "(POD | pod/NAME) [-c CONTAINER] [flags]",
  description: "Print what a container of a pod has written, as it wrote it.",
  examples: `
    # The last 20 lines, and then whatever comes
    podwire logs web --tail=20 -f

    # Why the run before this one ended
    podwire logs web --previous`,
  flags(command) {
    command
      .option("-c, --container <name>", "which container; the pod's first where absent")
      .option("-f, --follow", "go on and print what comes")
      .option("--tail <lines>", "only so many lines from the end; -1 is all", integerFlag("--tail"), -1)
      .option("-p, --previous", "of the container's run before this one")
      .option("--timestamps", "the time before each line");
  },
  async run(invocation) {
    const { args, afterDashes = [], options, globals, printer, signal } = invocation;
    const [word, container, ...more] = [...args, ...afterDashes];
    if (word === undefined)
      throw new UsageError(
        "expected 'logs (POD | TYPE/NAME) [CONTAINER_NAME]': POD or TYPE/NAME is a required argument for the logs command",
      );
    if (more.length > 0) throw new UsageError(`logs takes a pod and a container, not also ${more.join(" ")}`);
    if (container !== undefined && options.container !== undefined)
      throw new UsageError("only one of -c or an inline [CONTAINER] arg is allowed");
    if (options.tail < -1) throw new UsageError("--tail must be greater than or equal to -1");
    const request = {
      namespace: globals.namespace,
      pod: onePod(word),
      container: options.container ?? container ?? "",
      follow: options.follow === true,
      tailLines: options.tail === -1 ? undefined : options.tail,
      previous: options.previous === true,
      timestamps: options.timestamps === true,
    };
    using connection = await connect(invocation);
    for await (const { frame } of connection.client.logs(request, { signal })) {
      if (frame === undefined) continue;
      switch (frame.$case) {
        // As kubectl's: the log is one stream, and all of it is our output.
        case "stdout":
        case "stderr":
          await printer.print(frame.value);
          break;
        case "exit":
          return 0;
        case "error":
          throw new AppError(frame.value.kind as ErrorKind, frame.value.message);
        default:
          return unreachable(frame);
      }
    }
    return 0;
  },
};
