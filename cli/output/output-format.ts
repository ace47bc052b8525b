/* The values of `-o`. */

import { readFileSync } from "node:fs";
import { messageOf } from "#core/errors.ts";
import { UsageError } from "../usage-error.ts";
import { type CustomColumn, parseCustomColumns } from "./custom-columns.ts";
import { parseJsonPath, type Template } from "./jsonpath/parse.ts";

export type OutputFormat =
  | { readonly as: "table"; readonly wide: boolean }
  | { readonly as: "json" }
  | { readonly as: "yaml" }
  | { readonly as: "name" }
  | { readonly as: "jsonpath"; readonly template: Template }
  | ColumnsFormat;

/** Only of verbs that print tables. */
export interface ColumnsFormat {
  readonly as: "columns";
  readonly columns: readonly CustomColumn[];
}

export type SimpleFormat = Exclude<OutputFormat, ColumnsFormat>;

/** `wide` and `custom-columns` only where the verb prints tables. */
export function parseOutputFormat(text: string | undefined, options: { readonly tables: false }): SimpleFormat;
export function parseOutputFormat(text: string | undefined, options: { readonly tables: boolean }): OutputFormat;
export function parseOutputFormat(text: string | undefined, { tables }: { readonly tables: boolean }): OutputFormat {
  switch (text) {
    case undefined:
    case "":
      return { as: "table", wide: false };
    case "json":
    case "yaml":
    case "name":
      return { as: text };
    case "wide":
      if (tables) return { as: "table", wide: true };
      break;
    default:
  }
  if (text.startsWith("jsonpath=")) return { as: "jsonpath", template: parseJsonPath(text.slice("jsonpath=".length)) };
  if (text.startsWith("jsonpath-file="))
    return { as: "jsonpath", template: parseJsonPath(readTemplate(text.slice("jsonpath-file=".length))) };
  if (text === "jsonpath")
    throw new UsageError("template format specified but no template given: -o jsonpath='{.metadata.name}'");
  if (tables && /^custom-columns(-file)?(=|$)/.test(text)) return { as: "columns", columns: parseCustomColumns(text) };
  if (/^(go-template|template|templatefile)/.test(text)) {
    throw new UsageError(`-o ${text.split("=")[0]} is left out: Go's templates need Go; use jsonpath= or custom-columns=`);
  }
  const tableFormats = tables ? ["wide", "custom-columns=TITLE:PATH,…", "custom-columns-file=FILE"] : [];
  const known = ["json", "yaml", "name", "jsonpath=TEMPLATE", ...tableFormats].join(", ");
  throw new UsageError(
    `unable to match a printer suitable for the output format ${JSON.stringify(text)}, allowed formats are: ${known}`,
  );
}

function readTemplate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`error reading --template ${file}, ${messageOf(error)}`);
  }
}
