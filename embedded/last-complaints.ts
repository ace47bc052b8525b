/* What a cluster's daemons complained of last: for the message about a cluster that did not come up, whose folder goes. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { isJsonObject, type JsonObject } from "#core/json.ts";

const linesMax = 6;
const warnLevel = 40;

/** One line each, the last that each daemon said; "" where nobody complained. */
export function lastComplaints(logs: string): string {
  return namesIn(logs)
    .flatMap((name) => {
      const said = lastComplaint(readFileSync(join(logs, name), "utf8"));
      return said === undefined ? [] : [`  ${basename(name, ".log")}: ${said}`];
    })
    .slice(0, linesMax)
    .join("\n");
}

function lastComplaint(log: string): string | undefined {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const entries = lines.map(parseEntry);
  const complaint = entries.findLast((entry) => entry !== undefined && Number(entry.level) >= warnLevel);
  if (complaint !== undefined) return formatEntry(complaint);
  return lines.findLast((_, i) => entries[i] === undefined)?.trim();
}

/** Daemons log JSON; other lines came from programs around them, which speak up when they are killed too. */
function parseEntry(line: string): JsonObject | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return isJsonObject(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

function formatEntry({ msg, err }: JsonObject): string {
  const cause = isJsonObject(err) ? err.message : undefined;
  return typeof cause === "string" && cause !== msg ? `${msg} (${cause})` : String(msg);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
