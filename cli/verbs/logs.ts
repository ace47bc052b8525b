/* `podwire logs`: what containers have written, of one or of several, to the end or as it comes. */

import { unreachable } from "#core/errors.ts";
import type { LogsStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import { connect } from "../connect.ts";
import { durationFlag, integerFlag } from "../duration.ts";
import { onePod } from "../one-pod.ts";
import { describeFailure } from "../report.ts";
import { createLineCutter } from "../streams/log-lines.ts";
import { findLogSources, type LogQuery, type LogSource } from "../streams/log-sources.ts";
import { streamError } from "../streams/output.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface LogsOptions {
  readonly container?: string;
  readonly allContainers?: boolean;
  readonly selector?: string;
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: number;
  readonly sinceTime?: string;
  readonly limitBytes?: number;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly prefix?: boolean;
  readonly ignoreErrors?: boolean;
  readonly maxLogRequests: number;
}

/** Of each pod, where a selector finds them. */
const selectorTail = 10;

export const logsVerb: Verb<LogsOptions> = {
  usage: "(POD | pod/NAME | -l SELECTOR) [-c CONTAINER] [flags]",
  description: "Print what a container of a pod has written, as it wrote it; or what several have.",
  examples: `
    # The last 20 lines, and then whatever comes
    podwire logs web --tail=20 -f

    # Why the run before this one ended
    podwire logs web --previous

    # Of every container of every pod with a label, each line with its origin
    podwire logs -l app=web --all-containers --prefix -f`,
  flags(command) {
    command
      .option("-c, --container <name>", "which container; the pod's default where absent")
      .option("--all-containers", "of all containers of the pod, the init containers first")
      .option("-l, --selector <labels>", "of the pods with these labels: app=web,tier!=db")
      .option("-f, --follow", "go on and print what comes")
      .option("--tail <lines>", "only so many lines from the end; -1 is all (10 of each pod with -l)", integerFlag("--tail"))
      .option("--since <duration>", "only what is newer: 5s, 2m, 3h", durationFlag("--since"))
      .option("--since-time <time>", "only what was written at that time or later: 2030-01-02T15:04:05Z")
      .option("--limit-bytes <bytes>", "at most so many bytes of each log", integerFlag("--limit-bytes"))
      .option("-p, --previous", "of the container's run before this one")
      .option("--timestamps", "the time before each line")
      .option("--prefix", "pod and container before each line")
      .option("--ignore-errors", "report a log that can't be had, and go on with the others")
      .option("--max-log-requests <number>", "how many logs may be followed at once", integerFlag("--max-log-requests"), 5);
  },
  async run(invocation) {
    const { options, printer, signal, globals } = invocation;
    const query = readQuery(invocation);
    const start = readStart(invocation);
    using connection = await connect(invocation);
    const sources = await findLogSources(query, { connection, printer, signal });
    if (sources.length === 0) {
      await printer.printError(`No resources found in ${globals.namespace} namespace.\n`);
      return 0;
    }
    const follow = options.follow === true;
    if (follow && sources.length > options.maxLogRequests) {
      throw new UsageError(
        `you are attempting to follow ${sources.length} log streams, but maximum allowed concurrency is ${options.maxLogRequests}, use --max-log-requests to increase the limit`,
      );
    }
    const print = async (source: LogSource, ends: AbortSignal) => {
      const outputs = connection.client.logs({ ...start, ...source }, { signal: ends });
      const asWritten = sources.length === 1 && options.prefix !== true;
      const prefix = options.prefix === true ? `[pod/${source.pod}/${source.container}] ` : "";
      await printLog(outputs, invocation, asWritten ? undefined : prefix);
    };
    const attempt = async (source: LogSource, ends: AbortSignal) => {
      try {
        await print(source, ends);
      } catch (error) {
        if (options.ignoreErrors !== true || ends.aborted) throw error;
        await printer.printError(describeFailure(error, "logs").text);
      }
    };
    if (follow) await allAtOnce(sources, attempt, signal);
    else for (const source of sources) await attempt(source, signal);
    return 0;
  },
};

/** Whichever fails first ends the others. */
async function allAtOnce(
  sources: readonly LogSource[],
  print: (source: LogSource, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  const ends = AbortSignal.any([signal, failed.signal]);
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    sources.map((source) =>
      print(source, ends).catch((error) => {
        failure ??= { error };
        failed.abort();
      }),
    ),
  );
  if (failure !== undefined) throw failure.error;
}

/** `prefix` is undefined where the log is printed byte by byte as it was written. */
async function printLog(
  outputs: AsyncIterable<StreamOutput>,
  { printer }: Invocation<LogsOptions>,
  prefix: string | undefined,
): Promise<void> {
  const lines = prefix === undefined ? undefined : createLineCutter(prefix);
  for await (const { frame } of outputs) {
    if (frame === undefined) continue;
    switch (frame.$case) {
      // As kubectl's: the log is one stream, and all of it is our output.
      case "stdout":
      case "stderr":
        await printer.print(lines === undefined ? frame.value : lines.cut(frame.value));
        break;
      case "exit":
        if (lines !== undefined) await printer.print(lines.rest());
        return;
      case "error":
        throw streamError(frame.value);
      default:
        return unreachable(frame);
    }
  }
}

function readQuery({ args, afterDashes = [], options, globals }: Invocation<LogsOptions>): LogQuery {
  const [word, container, ...more] = [...args, ...afterDashes];
  const { selector } = options;
  if (word === undefined && selector === undefined) {
    throw new UsageError(
      "expected 'logs (POD | TYPE/NAME) [CONTAINER_NAME]': POD or TYPE/NAME is a required argument for the logs command",
    );
  }
  if (word !== undefined && selector !== undefined) throw new UsageError("only a selector (-l) or a POD name is allowed");
  if (more.length > 0) throw new UsageError(`logs takes a pod and a container, not also ${more.join(" ")}`);
  if (container !== undefined && options.container !== undefined) {
    throw new UsageError("only one of -c or an inline [CONTAINER] arg is allowed");
  }
  const named = options.container ?? container ?? "";
  if (options.allContainers === true && named !== "") {
    throw new UsageError(`--all-containers=true should not be specified with container name ${named}`);
  }
  return {
    namespace: globals.namespace,
    from: selector === undefined ? { pod: onePod(word ?? "") } : { selector },
    container: named,
    allContainers: options.allContainers === true,
  };
}

function readStart({ options, globals }: Invocation<LogsOptions>): Omit<LogsStart, "pod" | "container"> {
  const { tail = options.selector === undefined ? -1 : selectorTail, since = 0, sinceTime, limitBytes = 0 } = options;
  if (tail < -1) throw new UsageError("--tail must be greater than or equal to -1");
  if (limitBytes < 0) throw new UsageError("--limit-bytes must be greater than 0");
  if (options.maxLogRequests < 1) throw new UsageError("--max-log-requests must be greater than 0");
  if (since < 0) throw new UsageError("--since must be greater than 0");
  if (since > 0 && sinceTime !== undefined) {
    throw new UsageError("at most one of `sinceTime` or `sinceSeconds` may be specified");
  }
  if (sinceTime !== undefined && (!/^\d{4}-\d{2}-\d{2}T/.test(sinceTime) || Number.isNaN(Date.parse(sinceTime)))) {
    throw new UsageError(`--since-time ${JSON.stringify(sinceTime)} is no time (want RFC 3339, such as 2030-01-02T15:04:05Z)`);
  }
  return {
    namespace: globals.namespace,
    follow: options.follow === true,
    tailLines: tail === -1 ? undefined : tail,
    previous: options.previous === true,
    timestamps: options.timestamps === true,
    sinceSeconds: since === 0 ? undefined : Math.max(1, Math.round(since / 1_000)),
    sinceTime,
    limitBytes: limitBytes === 0 ? undefined : limitBytes,
  };
}
