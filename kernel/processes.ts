/* Processes as /proc tells of them. A process id alone may have been given to another by now; with the start time it can't. */

import { readFileSync } from "node:fs";

export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTicks: string;
}

/** Fields 3 and on of /proc/PID/stat (proc(5)): the name in parentheses may hold anything, so they count from its end. */
export function statFields(line: string): readonly string[] {
  return line.slice(line.lastIndexOf(")") + 2).split(" ");
}

export function parseStat(line: string): ProcessId | undefined {
  const pid = Number.parseInt(line, 10);
  const startTicks = statFields(line).at(19);
  return Number.isNaN(pid) || startTicks === undefined ? undefined : { pid, startTicks };
}

export function identify(pid: number): ProcessId | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return undefined;
  }
}

/** Whether that very process exists and has not ended; one that waits to be reaped has. */
export function isAlive({ pid, startTicks }: ProcessId): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state] = statFields(stat);
    return parseStat(stat)?.startTicks === startTicks && state !== "Z" && state !== "X";
  } catch {
    return false;
  }
}

/** Children first to last, each followed by its own. */
export function descendantsOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children === "") return [];
    return children.split(" ").flatMap((text) => [Number(text), ...descendantsOf(Number(text))]);
  } catch {
    return [];
  }
}
