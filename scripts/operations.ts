/* Writes the part of docs/operations.md that the tables of flags say. With --check it writes nothing, and fails where the page is
 * stale. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, type Option } from "commander";
import { type Flag, variableOf } from "#process/flags.ts";
import { declareGlobalFlags } from "../cli/global-flags.ts";
import { upVerb } from "../cli/verbs/up.ts";
import { controlPlaneFlags } from "../control-plane/options.ts";
import { agentFlags } from "../node-agent/options.ts";
import { withGeneratedPart } from "./generated-part.ts";

const path = "docs/operations.md";

function main(check: boolean): void {
  const file = join(import.meta.dirname, "..", path);
  const page = readFileSync(file, "utf8");
  const fresh = renderOperations(page);
  if (!check) writeFileSync(file, fresh);
  else if (page !== fresh) throw new Error(`${path} is stale: run \`npm run generate\``);
}

/** The page with its tables of flags as they should be. Throws where the page has no place for them. */
export function renderOperations(page: string): string {
  const up = new Command();
  upVerb.flags(up);
  const globals = new Command();
  declareGlobalFlags(globals);
  const text = [
    section("podwire up", verbRows(up.options)),
    section("every command", verbRows(globals.options)),
    section("control-plane", daemonRows(controlPlaneFlags)),
    section("node-agent", daemonRows(agentFlags)),
  ].join("\n");
  return withGeneratedPart(page, { path, source: "the tables of flags", text });
}

type Row = readonly [flag: string, meaning: string, fallback: string];

function section(title: string, rows: readonly Row[]): string {
  const lines = [["flag", "what it is", "where it is absent"], ["---", "---", "---"], ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
  return `### ${title}\n\n${lines.join("\n")}\n`;
}

function verbRows(options: readonly Option[]): Row[] {
  return options.map(({ flags, description, argChoices, defaultValue }) => [
    `\`${flags}\``,
    argChoices === undefined ? description : `${description}: ${argChoices.join(", ")}`,
    defaultValue === undefined ? "" : `\`${defaultValue}\``,
  ]);
}

function daemonRows(flags: Readonly<Record<string, Flag>>): Row[] {
  return Object.entries(flags).map(([name, { value, description, fallback, required }]) => [
    `\`--${name} <${value}>\``,
    `${description} (${variableOf(name)})`,
    required === true ? "refused" : fallback === undefined || fallback === "" ? "" : `\`${fallback}\``,
  ]);
}

if (import.meta.main) main(process.argv.includes("--check"));
