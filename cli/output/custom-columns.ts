/* `-o custom-columns=NAME:.metadata.name,IP:.status.podIP`: the user's own table. */

import { readFileSync } from "node:fs";
import { messageOf } from "#core/errors.ts";
import { isJsonObject, type Json } from "#core/json.ts";
import { UsageError } from "../usage-error.ts";
import { findJsonPath } from "./jsonpath/evaluate.ts";
import { type Path, parseRelaxedPath } from "./jsonpath/parse.ts";

export interface CustomColumn {
  readonly title: string;
  readonly path: Path;
}

/** `custom-columns=…`, or `custom-columns-file=FILE`: a line of titles above a line of paths. */
export function parseCustomColumns(text: string): CustomColumn[] {
  const [how = ""] = text.split("=", 1);
  const value = text.slice(how.length + 1);
  if (value === "") throw new UsageError(`${how} format specified but no ${how} given`);
  return how === "custom-columns-file" ? fromFile(value) : fromSpec(value);
}

export function customCells(columns: readonly CustomColumn[], document: Json): string[] {
  return columns.map(({ path }) => findJsonPath(path, document).map(cellText).join(",") || "<none>");
}

/** As Go prints values: `[a b]`, `map[a:1 b:2]`. */
function cellText(value: Json): string {
  if (value === null) return "<nil>";
  if (isJsonObject(value)) {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, inner]) => `${key}:${cellText(inner)}`).join(" ")}]`;
  }
  return Array.isArray(value) ? `[${value.map(cellText).join(" ")}]` : String(value);
}

/** Commas part the columns, but for those inside of brackets. */
function fromSpec(spec: string): CustomColumn[] {
  return spec.split(/,(?![^[]*\])/).map((part) => {
    const colon = part.indexOf(":");
    if (colon <= 0 || colon === part.length - 1) {
      throw new UsageError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    }
    return { title: part.slice(0, colon), path: parseRelaxedPath(part.slice(colon + 1)) };
  });
}

function fromFile(file: string): CustomColumn[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${messageOf(error)}`);
  }
  const [titles = [], paths = []] = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().split(/\s+/));
  if (titles.length === 0 || titles.length !== paths.length) {
    throw new UsageError(
      `${file}: number of titles (${titles.length}) and paths (${paths.length}) do not match, want a line of each`,
    );
  }
  return titles.map((title, i) => ({ title, path: parseRelaxedPath(paths[i] ?? "") }));
}
