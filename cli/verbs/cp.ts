/* `podwire cp`: files and folders to and from a container, by the tar program in it. */

import { lstat } from "node:fs/promises";
import { basename, posix, resolve } from "node:path";
import { Readable } from "node:stream";
import { messageOf, unreachable } from "#core/errors.ts";
import type { ExecRequest } from "#proto/podwire/v1/cluster.ts";
import type { StreamOutput } from "#proto/podwire/v1/streams.ts";
import { type Connection, connect } from "../connect.ts";
import { type FileSpec, parseFileSpec } from "../copy/file-spec.ts";
import { pack } from "../copy/pack.ts";
import { readTar } from "../copy/tar-reader.ts";
import { unpack } from "../copy/unpack.ts";
import type { Printer } from "../printer.ts";
import { inputFrames } from "../streams/input.ts";
import { chooseContainer } from "../streams/one-container.ts";
import { streamError } from "../streams/output.ts";
import { UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";

interface CpOptions {
  readonly container?: string;
  readonly preserve: boolean;
}

type PodFile = Extract<FileSpec, { where: "pod" }>;

export const cpVerb: Verb<CpOptions> = {
  usage: "SOURCE TARGET [-c CONTAINER], one of them [NAMESPACE/]POD:PATH",
  description:
    "Copy a file or folder to or from a container, which needs the program tar. From a container, links and devices are left out, and nothing is written outside of the target.",
  examples: `
    # Into the pod web; into the folder /data where that is one
    podwire cp ./page.html web:/data

    # A folder of the pod db in the namespace shop
    podwire cp shop/db:/var/lib/db ./db`,
  flags(command) {
    command
      .option("-c, --container <name>", "which container; the pod's default where absent")
      .option("--no-preserve", "owners and rights in the container as its umask says");
  },
  async run(invocation) {
    const { args, afterDashes = [], signal } = invocation;
    const [source, target, ...more] = [...args, ...afterDashes];
    if (source === undefined || target === undefined || more.length > 0)
      throw new UsageError("source and destination are required");
    const [from, to] = [parseFileSpec(source), parseFileSpec(target)];
    if (from.where === to.where) {
      const kind = from.where === "pod" ? "local" : "remote";
      throw new UsageError(`one of src or dest must be a ${kind} file specification`);
    }
    const path = from.where === "here" ? from.path : to.where === "here" ? to.path : "";
    const file = from.where === "pod" ? from : to.where === "pod" ? to : unreachable(to as never);
    if (from.where === "here") await checkSource(path);
    using connection = await connect(invocation);
    const namespace = file.namespace ?? invocation.globals.namespace;
    const choice = { namespace, pod: file.pod, container: invocation.options.container ?? "", quiet: false };
    const container = await chooseContainer(choice, { connection, printer: invocation.printer, signal });
    const copy: Copy = { invocation, connection, place: { namespace, pod: file.pod, container }, file, path };
    return await (from.where === "here" ? upload(copy) : download(copy));
  },
};

interface Copy {
  readonly invocation: Invocation<CpOptions>;
  readonly connection: Connection;
  readonly place: { readonly namespace: string; readonly pod: string; readonly container: string };
  readonly file: PodFile;
  /** On this machine. */
  readonly path: string;
}

async function checkSource(path: string): Promise<void> {
  try {
    await lstat(path);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw new UsageError(missing ? `${path} doesn't exist in local filesystem` : messageOf(error));
  }
}

async function upload(copy: Copy): Promise<number> {
  const { invocation, file, path } = copy;
  const { printer, options } = invocation;
  const isFolder = (await runQuietly(copy, ["test", "-d", file.path])) === 0;
  const target = posix.normalize(isFolder ? posix.join(file.path, basename(resolve(path))) : file.path).replace(/\/+$/, "");
  const failed = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  async function* archive() {
    try {
      yield* pack({
        path,
        name: posix.basename(target),
        onSkipped: (skipped) =>
          printer.printError(`warning: skipping ${JSON.stringify(skipped)}: it is neither a file nor a folder\n`),
      });
    } catch (error) {
      failure = { error };
      failed.abort();
    }
  }
  const rights = options.preserve ? [] : ["--no-same-permissions", "--no-same-owner"];
  const command = ["tar", ...rights, "-xmf", "-", "-C", posix.dirname(target)];
  try {
    const outputs = exec(copy, { command, stdin: Readable.from(archive(), { objectMode: false }), failed: failed.signal });
    return await exitOf(outputs, printer, (bytes) => printer.print(bytes));
  } catch (error) {
    if (failure === undefined) throw error;
    throw new UsageError(messageOf(failure.error));
  }
}

async function download(copy: Copy): Promise<number> {
  const { invocation, file, path } = copy;
  const { printer } = invocation;
  const source = posix.normalize(file.path).replace(/(?<=.)\/+$/, "");
  const name = posix.basename(source);
  // What has no name of its own is named from within.
  const inside = name === "" || name === "." || name === "..";
  const command = inside ? ["tar", "cf", "-", "-C", source, "."] : ["tar", "cf", "-", "-C", posix.dirname(source), "--", name];
  const outputs = exec(copy, { command, stdin: undefined, failed: new AbortController().signal });
  let code: number | undefined;
  const unpacking = unpack({
    entries: readTar(stdoutOf(outputs, printer, (exit) => (code = exit))),
    root: inside ? "." : name,
    target: path,
    onSkipped: (skipped, why) => printer.printError(`warning: skipping ${JSON.stringify(skipped)}: it ${why}\n`),
  });
  const count = await unpacking.catch((error) => {
    // Of this machine's files.
    if (error instanceof Error && "syscall" in error) throw new UsageError(error.message);
    throw error;
  });
  if (code !== undefined && code !== 0) await printer.printError(`command terminated with exit code ${code}\n`);
  return code ?? (count === 0 ? 1 : 0);
}

interface ExecOptions {
  readonly command: readonly string[];
  readonly stdin: Readable | undefined;
  readonly failed: AbortSignal;
}

async function* exec(
  { invocation, connection, place }: Copy,
  options: ExecOptions,
): AsyncGenerator<StreamOutput, void, undefined> {
  const { command, stdin, failed } = options;
  const over = new AbortController();
  const start = { ...place, command: [...command], stdin: stdin !== undefined, tty: false };
  async function* requests(): AsyncGenerator<ExecRequest, void, undefined> {
    yield { message: { $case: "start", value: start } };
    for await (const value of inputFrames({ stdin, over: over.signal })) yield { message: { $case: "input", value } };
  }
  try {
    yield* connection.client.exec(requests(), { signal: AbortSignal.any([invocation.signal, failed]) });
  } finally {
    over.abort();
  }
}

async function exitOf(
  outputs: AsyncIterable<StreamOutput>,
  printer: Printer,
  take: (bytes: Uint8Array) => void | Promise<void>,
): Promise<number> {
  let code: number | undefined;
  for await (const bytes of stdoutOf(outputs, printer, (exit) => (code = exit))) await take(bytes);
  if (code !== undefined && code !== 0) await printer.printError(`command terminated with exit code ${code}\n`);
  return code ?? 1;
}

async function runQuietly(copy: Copy, command: readonly string[]): Promise<number> {
  let code = 1;
  for await (const { frame } of exec(copy, { command, stdin: undefined, failed: new AbortController().signal })) {
    if (frame?.$case === "exit") code = frame.value.code;
    if (frame?.$case === "error") throw streamError(frame.value);
  }
  return code;
}

/** What the program prints; its complaints become ours. */
async function* stdoutOf(
  outputs: AsyncIterable<StreamOutput>,
  printer: Printer,
  onExit: (code: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { frame } of outputs) {
    if (frame?.$case === "stdout") yield frame.value;
    if (frame?.$case === "stderr") await printer.printError(frame.value);
    if (frame?.$case === "exit") return onExit(frame.value.code);
    if (frame?.$case === "error") throw streamError(frame.value);
  }
}
