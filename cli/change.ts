/* What the verbs that change one field of existing objects have in common: a patch for each object, a line about what it did. */

import type { Command } from "commander";
import type { JsonObject } from "#core/json.ts";
import type { Connection } from "./connect.ts";
import { type DryRun, dryRunMode, dryRunSuffix } from "./dry-run.ts";
import { type Item, unwrap } from "./objects.ts";
import { renderDocuments, slashedName } from "./output/documents.ts";
import { parseOutputFormat, type SimpleFormat } from "./output/output-format.ts";
import type { Invocation } from "./verb.ts";

export interface ChangeOptions {
  readonly dryRun?: string;
  readonly output?: string;
}

export function changeFlags(command: Command): void {
  command
    .option("--dry-run <mode>", "none, client or server: say what would happen, write nothing", "none")
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE");
}

export type PatchType = "strategic" | "merge" | "json";

export interface Patch {
  readonly type: PatchType;
  readonly json: string;
  /** Changes that, and nothing else. */
  readonly subresource?: "status";
}

export interface Changed {
  readonly item: Item;
  /** False where the patch changed nothing. */
  readonly changed: boolean;
}

export interface Changer {
  readonly dryRun: DryRun;
  readonly format: SimpleFormat;
  /** Sends one patch and prints the server's warnings. */
  patch(item: Item, patch: Patch): Promise<Changed>;
  /** `pod/web labeled`, or the object in the format that was asked for. */
  report(item: Item, done: string): Promise<void>;
}

export function createChanger(invocation: Invocation<ChangeOptions>, connection: Connection): Changer {
  const { options, printer, signal } = invocation;
  const dryRun = dryRunMode(options.dryRun);
  const format = parseOutputFormat(options.output, { tables: false });
  return {
    dryRun,
    format,
    async patch({ kind, object }, { type, json, subresource = "" }) {
      const { name = "", namespace = "" } = object.metadata ?? {};
      const request = { kind: kind.kind, namespace, name, type, json, validate: "", dryRun: dryRun !== "none", subresource };
      const answer = await connection.client.patch(request, connection.prompt(signal));
      for (const warning of answer.warnings) await printer.printError(`Warning: ${warning}\n`);
      return { item: unwrap(answer.object), changed: answer.action !== "unchanged" };
    },
    async report(item, done) {
      if (format.as === "table") await printer.print(`${nameOf(item)} ${done}${dryRunSuffix(dryRun)}\n`);
      else await printer.print(await renderDocuments([item], { format, single: true }));
    },
  };
}

export function mergePatch(patch: JsonObject): Patch {
  return { type: "merge", json: JSON.stringify(patch) };
}

/** `pod/web` */
export function nameOf({ kind, object }: Item): string {
  return slashedName({ kind, name: object.metadata?.name ?? "" });
}
