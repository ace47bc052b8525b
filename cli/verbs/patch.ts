import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { messageOf } from "#core/errors.ts";
import { type ChangeOptions, changeFlags, createChanger, type Patch } from "../change.ts";
import { connect } from "../connect.ts";
import { findObjects } from "../find.ts";
import { type FileOptions, readTargets } from "../read-targets.ts";
import { badFlag, UsageError } from "../usage-error.ts";
import type { Invocation, Verb } from "../verb.ts";
import { fileFlags } from "../write.ts";

interface PatchOptions extends ChangeOptions, FileOptions {
  readonly patch?: string;
  readonly patchFile?: string;
  readonly type: string;
  readonly subresource?: string;
}

export const patchVerb: Verb<PatchOptions> = {
  usage: "(KIND NAME | KIND/NAME | -f FILE) (-p PATCH | --patch-file FILE) [flags]",
  description: `Change parts of an object. The patch is JSON or YAML:
strategic  lists of named things, such as containers, are merged by their names
merge      lists are replaced (RFC 7386)
json       a list of operations (RFC 6902)`,
  examples: `
    # A label; one container's image; an operation
    podwire patch pod web -p '{"metadata":{"labels":{"tier":"front"}}}'
    podwire patch pod web -p '{"spec":{"containers":[{"name":"main","image":"podwire/toolbox"}]}}'
    podwire patch node node-1 --type=json -p '[{"op":"replace","path":"/spec/unschedulable","value":true}]'

    # A condition that a readiness gate waits for
    podwire patch pod web --subresource=status -p '{"status":{"conditions":[{"type":"example.com/ready","status":"True"}]}}'

    # From a file
    podwire patch pod web --patch-file change.yaml`,
  flags(command) {
    fileFlags(command);
    command
      .option("-p, --patch <text>", "the patch, JSON or YAML")
      .option("--patch-file <file>", "a file with the patch; - for standard input")
      .option("--type <type>", "strategic, merge or json", "strategic")
      .option("--subresource <name>", "status: change that and nothing else");
    changeFlags(command);
  },
  async run(invocation) {
    const { printer, globals, signal } = invocation;
    const { type, subresource } = invocation.options;
    if (subresource !== undefined && subresource !== "status") throw badFlag("--subresource", subresource, "want status");
    const patch: Patch = {
      ...{ type: patchType(type), json: await patchJson(invocation) },
      ...(subresource === undefined ? {} : { subresource }),
    };
    const targets = await readTargets(invocation, { verb: "patch" });
    if (targets.how === "kinds") throw new UsageError("resource(s) were provided, but no name was specified");
    using connection = await connect(invocation);
    const { items, failures } = await findObjects(connection, { targets, namespace: globals.namespace }, signal);
    const changer = createChanger(invocation, connection);
    for (const item of items) {
      const { item: after, changed } = await changer.patch(item, patch);
      await changer.report(after, changed ? "patched" : "patched (no change)");
    }
    for (const failure of failures) await printer.printError(`${failure}\n`);
    return failures.length === 0 ? 0 : 1;
  },
};

function patchType(text: string): Patch["type"] {
  if (text === "strategic" || text === "merge" || text === "json") return text;
  throw new UsageError(`--type must be one of [json merge strategic], not ${JSON.stringify(text)}`, { inFlags: true });
}

/** The patch as JSON text; a UsageError where it is neither JSON nor YAML. */
async function patchJson({ options, context }: Invocation<PatchOptions>): Promise<string> {
  const text = await patchText(options, context.stdin);
  const { parse } = await import("yaml");
  try {
    const value: unknown = parse(text, { version: "1.1", logLevel: "error" });
    if (typeof value === "object" && value !== null) return JSON.stringify(value);
  } catch (error) {
    throw new UsageError(`unable to parse ${JSON.stringify(text)}: ${messageOf(error).split("\n")[0]}`);
  }
  throw new UsageError(`unable to parse ${JSON.stringify(text)}: a patch is an object or a list of operations`);
}

async function patchText({ patch, patchFile }: PatchOptions, stdin: Invocation["context"]["stdin"]): Promise<string> {
  if (patch !== undefined && patchFile !== undefined) throw new UsageError("cannot specify --patch and --patch-file together");
  if (patch !== undefined && patch !== "") return patch;
  if (patchFile === undefined) throw new UsageError("must specify --patch or --patch-file containing the contents of the patch");
  if (patchFile === "-") return (await buffer(stdin)).toString("utf8");
  try {
    return await readFile(patchFile, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${patchFile}: ${messageOf(error)}`);
  }
}
