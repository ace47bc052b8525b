/* What `apply`, `create` and `replace` have in common: every document of every file goes in one call, so that nothing changes where
 * one of them is wrong. */

import { type Command, Option } from "commander";
import type { JsonObject } from "#core/json.ts";
import { isJsonObject } from "#core/json.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { WriteAnswer, WriteRequest } from "#proto/podwire/v1/cluster.ts";
import { type Connection, connect } from "./connect.ts";
import { type DryRun, dryRunMode, dryRunSuffix } from "./dry-run.ts";
import { type ManifestDocument, readManifests } from "./manifests.ts";
import { unwrap } from "./objects.ts";
import { renderDocuments, renderJson, slashedName } from "./output/documents.ts";
import { parseOutputFormat, type SimpleFormat } from "./output/output-format.ts";
import { badFlag, UsageError } from "./usage-error.ts";
import type { Invocation } from "./verb.ts";

export interface WriteOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly validate?: string;
  readonly dryRun?: string;
  readonly output?: string;
}

export interface WritePlan {
  /** "apply", for messages. */
  readonly verb: string;
  /** "replaced"; what the server says, such as "created", where it is absent. */
  readonly done?: string;
  call(connection: Connection, request: WriteRequest, signal: AbortSignal): Promise<WriteAnswer>;
}

export function fileFlags(command: Command): void {
  command.addOption(
    new Option("-f, --filename <path>", "a file, a folder or - for standard input; may be given again").argParser(collect),
  );
  command.option("-R, --recursive", "folders inside folders too");
}

export function writeFlags(command: Command): void {
  fileFlags(command);
  modeFlags(command);
}

/** How to write, whatever it is. */
export function modeFlags(command: Command): void {
  command
    .option("--validate <mode>", "strict: what would be a warning is an error; warn", "warn")
    .option("--dry-run <mode>", "none, client (read the files only) or server (check, write nothing)", "none")
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE");
}

function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export async function writeManifests(invocation: Invocation<WriteOptions>, plan: WritePlan): Promise<number> {
  const { options, args, afterDashes, context, globals } = invocation;
  const { verb } = plan;
  const stray = args[0] ?? afterDashes?.[0];
  if (stray !== undefined)
    throw new UsageError(`Unexpected args: [${[...args, ...(afterDashes ?? [])].join(" ")}]: ${verb} takes files: -f ${stray}`, {
      inFlags: true,
    });
  const modes = writeModes(options);
  const documents = await readManifests({
    paths: options.filename ?? [],
    recursive: options.recursive === true,
    stdin: context.stdin,
  });
  if (documents.length === 0) throw new UsageError(`no objects passed to ${verb}`);
  if (globals.namespaceGiven) for (const document of documents) refuseOtherNamespace(document, globals.namespace);
  return writeDocuments(invocation, { ...plan, modes, documents });
}

interface WriteModes {
  readonly format: SimpleFormat;
  readonly validate: "strict" | "warn";
  readonly dryRun: DryRun;
}

/** Of the flags that writeFlags declares; a UsageError for what they don't take. */
export function writeModes({ output, validate, dryRun }: WriteOptions): WriteModes {
  return {
    format: parseOutputFormat(output, { tables: false }),
    validate: validateMode(validate),
    dryRun: dryRunMode(dryRun),
  };
}

interface DocumentsWrite extends Pick<WritePlan, "call" | "done"> {
  readonly modes: WriteModes;
  readonly documents: readonly ManifestDocument[];
}

/** Sends the documents in one call and prints what became of them. */
export async function writeDocuments(invocation: Invocation, { call, done, modes, documents }: DocumentsWrite): Promise<number> {
  const { globals, signal } = invocation;
  const { format, validate, dryRun } = modes;
  if (dryRun === "client") return printClientDryRun(invocation, documents, format);

  const manifests = documents.map(({ content, source }) => ({ json: JSON.stringify(content), source }));
  refuseTooLarge(manifests.map((manifest) => manifest.json));
  using connection = await connect(invocation);
  const request = { manifests, namespace: globals.namespace, validate, dryRun: dryRun === "server" };
  const answer = await call(connection, request, signal);
  await printAnswer(invocation, { answer, done, format, dryRun, sources: documents.map((document) => document.source) });
  return 0;
}

interface Answered {
  readonly done: string | undefined;
  readonly answer: WriteAnswer;
  readonly format: SimpleFormat;
  readonly dryRun: "none" | "server";
  readonly sources: readonly string[];
}

async function printAnswer({ printer }: Invocation, { answer, done, format, dryRun, sources }: Answered): Promise<void> {
  const items = answer.results.map((result) => unwrap(result.object));
  for (const [i, { warnings }] of answer.results.entries()) {
    const place = sources.length > 1 ? `${sources[i]}: ` : "";
    for (const warning of warnings) await printer.printError(`Warning: ${place}${warning}\n`);
  }
  if (format.as !== "table") {
    await printer.print(await renderDocuments(items, { format, single: items.length === 1 }));
    return;
  }
  const suffix = dryRunSuffix(dryRun);
  const lines = answer.results.map((result, i) => {
    const item = items[i];
    if (item === undefined) return "";
    return `${slashedName({ kind: item.kind, name: item.object.metadata?.name ?? "" })} ${done ?? result.action}${suffix}\n`;
  });
  await printer.print(lines.join(""));
}

async function printClientDryRun(
  { printer }: Invocation,
  documents: readonly ManifestDocument[],
  format: SimpleFormat,
): Promise<number> {
  if (format.as !== "table" && format.as !== "name") {
    await printer.print(
      await renderJson(
        documents.map(({ content }) => content),
        format,
      ),
    );
    return 0;
  }
  for (const { content, source } of documents) {
    const { kind, name } = nameOf({ content, source });
    await printer.print(`${kind.toLowerCase()}/${name}${format.as === "name" ? "" : " created (dry run)"}\n`);
  }
  return 0;
}

export interface ManifestName {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
}

/** What a manifest names; the server checks the rest. */
export function nameOf({ content, source }: ManifestDocument): ManifestName {
  const { kind, metadata } = content;
  if (typeof kind !== "string") throw new UsageError(`${source}: Object 'Kind' is missing`);
  const { name, namespace } = isJsonObject(metadata) ? metadata : ({} as JsonObject);
  if (typeof name !== "string" || name === "")
    throw new UsageError(`${source}: metadata.name: Required value: resource name may not be empty`);
  return { kind, name, namespace: typeof namespace === "string" ? namespace : undefined };
}

/** An object that the command line made: in the namespace that the user named, if it is of a kind that has one. */
export function inNamespace(content: JsonObject, { globals }: Invocation): ManifestDocument {
  const { kind, metadata } = content;
  const namespaced = typeof kind === "string" && findKind(kind)?.namespaced === true;
  if (!namespaced || !globals.namespaceGiven || !isJsonObject(metadata)) return { content, source: "" };
  return { content: { ...content, metadata: { ...metadata, namespace: globals.namespace } }, source: "" };
}

/** Where -n and the manifest name two different namespaces, one of them is a mistake. */
export function refuseOtherNamespace({ content, source }: ManifestDocument, given: string): void {
  const { kind, metadata } = content;
  if (typeof kind === "string" && findKind(kind)?.namespaced === false) return;
  const named = isJsonObject(metadata) ? metadata.namespace : undefined;
  if (typeof named !== "string" || named === "" || named === given) return;
  throw new UsageError(
    `${source}: the namespace from the provided object ${JSON.stringify(named)} does not match the namespace ${JSON.stringify(given)}. You must pass '--namespace=${named}' to perform this operation.`,
  );
}

/** One message of gRPC, with room for its frame. */
const requestBytesMax = 4 * 1024 * 1024 - 64 * 1024;

function refuseTooLarge(texts: readonly string[]): void {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 256, 0);
  if (bytes > requestBytesMax) {
    throw new UsageError(
      `the manifests are ${(bytes / 1024 / 1024).toFixed(1)} MiB together; one call takes at most ${Math.floor(requestBytesMax / 1024 / 1024)} MiB: split the files`,
    );
  }
}

function validateMode(text = "warn"): "strict" | "warn" {
  switch (text) {
    case "strict":
    case "true":
      return "strict";
    case "warn":
    case "ignore":
    case "false":
      return "warn";
    default:
      throw badFlag("--validate", text, "must be strict or warn");
  }
}
