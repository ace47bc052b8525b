import { type Command, Option } from "commander";
import type { Json, JsonObject } from "#core/json.ts";
import { type AttachedRun, followRun } from "../attached-run.ts";
import { durationFlag, integerFlag } from "../duration.ts";
import { parseLabelPairs } from "../pairs.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { inNamespace, modeFlags, type WriteOptions, writeDocuments, writeModes } from "../write.ts";
import { callCreate } from "./create.ts";

interface RunOptions extends WriteOptions {
  readonly image?: string;
  readonly env?: readonly string[];
  readonly labels?: string;
  readonly annotations?: readonly string[];
  readonly port?: number;
  readonly restart: string;
  readonly command?: boolean;
  readonly stdin?: boolean;
  readonly leaveStdinOpen?: boolean;
  readonly tty?: boolean;
  readonly attach?: boolean;
  readonly rm?: boolean;
  readonly podRunningTimeout: number;
}

export const runVerb: Verb<RunOptions> = {
  usage: "NAME --image=IMAGE [--env=NAME=VALUE…] [--port=PORT] [-- ARG…] [flags]",
  description: "Create a pod with one container. The words behind -- are its arguments, with --command its command.",
  examples: `
    # A pod that waits; one that ends
    podwire run web --image=podwire/toolbox --command -- sleep inf
    podwire run job --image=podwire/toolbox --restart=Never --command -- sh -c 'echo done'

    # With variables, labels and a port
    podwire run web --image=podwire/toolbox --env=MODE=test --labels=app=web,tier=front --port=8080 --command -- sleep inf

    # One that is gone when it ends, its output and exit code ours
    podwire run once -i --rm --image=podwire/toolbox --restart=Never --command -- sh -c 'echo done; exit 3'

    # As a manifest, without creating it
    podwire run web --image=podwire/toolbox --dry-run=client -o yaml`,
  flags(command) {
    command.option("--image <image>", "the container's image");
    repeated(command, "--env <name=value>", "a variable; may be given again");
    repeated(command, "--annotations <key=value>", "an annotation; may be given again");
    command
      .option("-l, --labels <labels>", "labels: app=web,tier=front; run=NAME where absent")
      .option("--port <port>", "the port that the container listens at", integerFlag("--port"))
      .option("--restart <policy>", "Always, OnFailure or Never", "Always")
      .option("--command", "the words are the command, in place of the image's own");
    command
      .option("-i, --stdin", "give the container a standard input, and pass ours on, its end too")
      .option("--leave-stdin-open", "keep the container's standard input open after ours has ended, for attach")
      .option("-t, --tty", "no container has a terminal of its own: says so and goes on without")
      .option("--attach", "wait for the start and print what the container prints; with -i always")
      .option("--rm", "delete the pod when it ends; with --attach or -i")
      .addOption(
        new Option("--pod-running-timeout <duration>", "how long the start may take")
          .argParser(durationFlag("--pod-running-timeout"))
          .default(60_000, "1m"),
      );
    modeFlags(command);
  },
  async run(invocation) {
    const modes = writeModes(invocation.options);
    const document = inNamespace(podOf(invocation), invocation);
    const attached = attachedOf(invocation);
    if (attached === undefined) return writeDocuments(invocation, { call: callCreate, modes, documents: [document] });
    if (modes.dryRun !== "none")
      throw new UsageError("--dry-run can't be used with attached containers options (--attach, --stdin, or --tty)");
    // As kubectl: what one reads is the container's output and nothing else.
    const silent = { ...invocation, printer: { ...invocation.printer, print: async () => {} } };
    await writeDocuments(silent, { call: callCreate, modes, documents: [document] });
    return followRun(invocation, attached);
  },
};

function repeated(command: Command, flags: string, description: string): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  command.addOption(new Option(flags, description).argParser(collect));
}

function podOf({ args, afterDashes = [], options }: Invocation<RunOptions>): JsonObject {
  const [name, ...words] = [...args, ...afterDashes];
  if (name === undefined) throw new UsageError("NAME is required for run", { inFlags: true });
  if (options.image === undefined || options.image === "") {
    throw new UsageError('required flag(s) "image" not set', { inFlags: true });
  }
  if (options.command === true && words.length === 0)
    throw new UsageError("--command wants the command's words behind --", { inFlags: true });
  if (!["Always", "OnFailure", "Never"].includes(options.restart)) {
    throw badFlag("--restart", options.restart, "want Always, OnFailure or Never");
  }
  const { env = [], annotations = [], port } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      labels: options.labels === undefined ? { run: name } : parseLabelPairs(options.labels.split(","), "label"),
      ...(annotations.length === 0 ? {} : { annotations: parseLabelPairs(annotations, "annotation") }),
    },
    spec: {
      containers: [
        {
          name,
          image: options.image,
          ...(options.stdin === true ? { stdin: true, ...(options.leaveStdinOpen === true ? {} : { stdinOnce: true }) } : {}),
          ...(words.length === 0 ? {} : { [options.command === true ? "command" : "args"]: words }),
          ...(env.length === 0 ? {} : { env: env.map(variableOf) }),
          ...(port === undefined ? {} : { ports: [{ containerPort: port }] }),
        },
      ],
      restartPolicy: options.restart,
    },
  };
}

function attachedOf({ args, options }: Invocation<RunOptions>): AttachedRun | undefined {
  const { stdin = false, tty = false, rm = false, restart, podRunningTimeout } = options;
  if (tty && !stdin) throw new UsageError("-i/--stdin is required for containers with -t/--tty=true");
  if (!stdin && options.attach !== true) {
    if (rm) throw new UsageError("--rm should only be used for attached containers");
    return undefined;
  }
  return { name: args[0] ?? "", stdin, tty, remove: rm, restart, startTimeoutMs: podRunningTimeout };
}

function variableOf(text: string): Json {
  const equals = text.indexOf("=");
  if (equals <= 0) throw new UsageError(`invalid env: ${text}`);
  return { name: text.slice(0, equals), value: text.slice(equals + 1) };
}
