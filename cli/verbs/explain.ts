import { descriptionOf, type ExplainedField, fieldAt, fieldsOf } from "../explain/field-tree.ts";
import { kindOf } from "../targets.ts";
import { UsageError } from "../usage-error.ts";
import type { Verb } from "../verb.ts";

interface ExplainOptions {
  readonly recursive?: boolean;
}

export const explainVerb: Verb<ExplainOptions> = {
  usage: "KIND[.FIELD…] [--recursive] [flags]",
  description: `Explain a kind of object or one of its fields, as this version knows them. Fields that are marked as kept are stored and
printed, but nothing in Podwire acts on them.`,
  examples: `
    # A kind, a field, all fields below
    podwire explain pod
    podwire explain pod.spec.containers
    podwire explain pod.spec --recursive`,
  flags(command) {
    command.option("--recursive", "the fields below the fields too, by name and type only");
  },
  async run({ args, options, printer }) {
    const [word, ...more] = args;
    if (word === undefined)
      throw new UsageError("You must specify the type of resource to explain: podwire api-resources lists them");
    if (more.length > 0) throw new UsageError("We accept only this format: explain KIND[.FIELD…]", { inFlags: true });
    const [kindWord = "", ...path] = word.split(".").filter((part, i) => part !== "" || i === 0);
    const kind = kindOf(kindWord);
    const field = path.length === 0 ? undefined : fieldAt(kind.kind, path);
    const message = field === undefined ? kind.kind : field.message;
    const fields = message === undefined ? [] : linesBelow(message, options.recursive === true);
    await printer.print(
      [
        ...headLines(kind.kind, kind.apiVersion),
        ...(field === undefined ? [] : [`FIELD: ${field.name} <${field.type}>${mark(field)}`, ""]),
        "",
        "DESCRIPTION:",
        ...wrap(field === undefined ? descriptionOf(kind.kind) : field.description),
        "",
        ...(fields.length === 0 ? [] : ["FIELDS:", ...fields, ""]),
      ]
        .map((line) => `${line}\n`)
        .join(""),
    );
    return 0;
  },
};

function headLines(kind: string, apiVersion: string): string[] {
  const [group = "", version] = apiVersion.split("/");
  return version === undefined
    ? [`KIND:       ${kind}`, `VERSION:    ${group}`, ""]
    : [`GROUP:      ${group}`, `KIND:       ${kind}`, `VERSION:    ${version}`, ""];
}

function linesBelow(message: string, recursive: boolean): string[] {
  if (recursive) return recursiveLines(message, "  ");
  return fieldsOf(message).flatMap((field, i) => [
    ...(i === 0 ? [] : [""]),
    `  ${field.name}\t<${field.type}>${mark(field)}`,
    ...wrap(field.description),
  ]);
}

function recursiveLines(message: string, indent: string): string[] {
  return fieldsOf(message).flatMap((field) => [
    `${indent}${field.name}\t<${field.type}>${mark(field)}`,
    ...(field.message === undefined ? [] : recursiveLines(field.message, `${indent}  `)),
  ]);
}

function mark({ kept }: ExplainedField): string {
  return kept ? " -kept, not acted on-" : "";
}

const indent = "    ";
const widthMax = 80;

function wrap(text: string): string[] {
  if (text === "") return [`${indent}<empty>`];
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > widthMax) lines.push(`${indent}${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
