/* What a test asks of a Service, from where it likes. */

import { join } from "node:path";
import { netnsPath } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";
import type { Place } from "./service-lab.ts";

export interface Question {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  /** As netexec understands it: "hostname", "clientip". */
  readonly request?: string;
  /** One after the other. */
  readonly tries?: number;
  readonly localPort?: number;
  readonly timeoutMs?: number;
  /** Bytes that are to come back, in place of a request. */
  readonly padding?: number;
}

const script = join(import.meta.dirname, "service-client.ts");
const { signal } = new AbortController();

/** What was answered, or the error's code, for each try. */
export async function ask(place: Place, question: Question): Promise<string[]> {
  return JSON.parse(await runIn(place, process.execPath, script, JSON.stringify(question))) as string[];
}

/** Different answers, sorted. */
export async function askForAll(place: Place, question: Question): Promise<string[]> {
  return [...new Set(await ask(place, { tries: 30, ...question }))].sort();
}

/** Runs a program where that pod or host is. */
export function runIn(place: Place, ...argv: readonly string[]): Promise<string> {
  const netns = "netns" in place ? place.netns : place.name;
  return run(["nsenter", `--net=${netnsPath(netns)}`, "--", ...argv], { signal });
}
