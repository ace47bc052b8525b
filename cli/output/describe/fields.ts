/* Lines of a description, their cells parted by tabs for tabbed.ts to align. */

import type { ApiObject } from "#core/objects/kind.ts";
import { lastAppliedAnnotation } from "#core/objects/metadata.ts";
import type { Condition } from "#proto/podwire/v1/resources.ts";
import { printable } from "../printable.ts";

/** `Name:  web` */
export function field(label: string, value: string | number | boolean | undefined): string {
  return `${label}:\t${printable(String(value ?? ""))}`;
}

/** The first value beside the label, the others below it; `<none>` where there is none. */
export function listField(label: string, values: readonly string[]): string[] {
  if (values.length === 0) return [`${label}:\t<none>`];
  return values.map((value, i) => `${i === 0 ? `${label}:` : ""}\t${printable(value)}`);
}

export function labelsField(label: string, map: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return listField(
    label,
    pairs.map(([key, value]) => `${key}=${value}`),
  );
}

export function annotationsField(map: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(map).filter(([key]) => key !== lastAppliedAnnotation);
  return listField(
    "Annotations",
    pairs.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}: ${value}`),
  );
}

export function controllerField({ metadata }: ApiObject): string[] {
  const owner = metadata?.ownerReferences.find(({ controller }) => controller === true);
  return owner === undefined ? [] : [field("Controlled By", `${owner.kind}/${owner.name}`)];
}

/** As kubectl writes times in descriptions, in UTC: `Mon, 02 Jan 2006 15:04:05 +0000`. */
export function timeText(time: string | undefined): string {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? "<unknown>" : new Date(ms).toUTCString().replace("GMT", "+0000");
}

export function indented(lines: readonly string[], spaces = 2): string[] {
  return lines.map((line) => `${" ".repeat(spaces)}${line}`);
}

/** A small table inside a description, its titles underlined. */
export function innerTable(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const lines = [titles, titles.map((title) => "-".repeat(title.length)), ...rows.map((row) => row.map(printable))];
  return indented(lines.map((line) => line.join("\t")));
}

/** The conditions, where there are any: type and status; reason and message where any has one. */
export function conditionsLines(
  conditions: readonly Condition[],
  { times = false }: { readonly times?: boolean } = {},
): string[] {
  const columns: readonly (readonly [title: string, cell: (condition: Condition) => string | undefined, always: boolean])[] = [
    ["Type", (condition) => condition.type, true],
    ["Status", (condition) => condition.status, true],
    ["LastHeartbeatTime", (condition) => condition.lastHeartbeatTime && timeText(condition.lastHeartbeatTime), false],
    ["LastTransitionTime", (condition) => (times ? timeText(condition.lastTransitionTime) : undefined), times],
    ["Reason", (condition) => condition.reason, times],
    ["Message", (condition) => condition.message, times],
  ];
  if (conditions.length === 0) return [];
  const shown = columns.filter(([, cell, always]) => always || conditions.some((condition) => (cell(condition) ?? "") !== ""));
  const rows = conditions.map((condition) => shown.map(([, cell]) => cell(condition) ?? ""));
  return [
    "Conditions:",
    ...innerTable(
      shown.map(([title]) => title),
      rows,
    ),
  ];
}
