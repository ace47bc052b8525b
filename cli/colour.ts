/* Colours, for terminals only: https://no-color.org */

import type { Environment } from "#process/cluster-paths.ts";

export type Colour = "red" | "yellow" | "green";

/** The text in that colour, or as it is where the stream shows none. */
export type Paint = (text: string, colour: Colour) => string;

const codes: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33 };

export const plain: Paint = (text) => text;

export function paintFor(stream: object, env: Environment): Paint {
  const wanted = "isTTY" in stream && stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
  return wanted ? (text, colour) => `\x1b[${codes[colour]}m${text}\x1b[0m` : plain;
}

/** The first words of complaints. */
export function paintComplaints(text: string, paint: Paint): string {
  return text
    .replace(/^(error|Error from server( \([^)\n]*\))?):/gm, (words) => paint(words, "red"))
    .replace(/^Warning:/gm, (words) => paint(words, "yellow"));
}

const good = ["Running", "Ready", "Active", "Completed", "Succeeded", "Normal"];
const waiting = [
  "Pending",
  "ContainerCreating",
  "PodInitializing",
  "Terminating",
  "SchedulingDisabled",
  "Warning",
  "Starting",
  "Ending",
];

/** Of a cell of a table, by its column. */
export function colourOfCell(title: string, cell: string): Colour | undefined {
  if (title !== "STATUS" && title !== "TYPE") return undefined;
  const words = cell.split(",");
  if (words.every((word) => good.includes(word))) return title === "TYPE" ? undefined : "green";
  if (words.some((word) => waiting.includes(word) || /^Init:[0-9]+\/[0-9]+$/.test(word))) return "yellow";
  return title === "STATUS" ? "red" : undefined;
}
