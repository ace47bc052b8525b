/* `podwire __complete -- WORDS…`, for the scripts of `podwire completion`: a candidate a line for the last word. It says nothing where
 * it doesn't know, and never complains. */

import type { Command } from "commander";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { commandFor, parseWords, splitWords } from "../command-line.ts";
import { type Candidates, candidatesFor, valueFlag } from "../completion.ts";
import { type Connection, connect } from "../connect.ts";
import { type GlobalFlags, readGlobalFlags } from "../global-flags.ts";
import { getOne, listAll } from "../objects.ts";
import { kindOf } from "../targets.ts";
import type { Invocation, Verb, VerbEntry } from "../verb.ts";

/** `list` is every verb: an argument, since the list names this file. */
export function completeVerb(list: readonly VerbEntry[]): Verb {
  return {
    usage: "-- WORD…",
    description: "Print what may stand in place of the last word.",
    examples: `
    # What begins with po behind get
    podwire __complete -- get po`,
    flags() {},
    async run(invocation) {
      const typed = invocation.afterDashes ?? [];
      const current = typed.at(-1) ?? "";
      try {
        const found = await complete(invocation, { list, before: typed.slice(0, -1), current });
        const fitting = found.filter((word) => word.startsWith(current)).sort();
        await invocation.printer.print(fitting.map((word) => `${word}\n`).join(""));
      } catch {
        // No cluster, no such kind, half a flag: there is nothing to offer.
      }
      return 0;
    },
  };
}

interface Request {
  readonly list: readonly VerbEntry[];
  readonly before: readonly string[];
  readonly current: string;
}

async function complete(invocation: Invocation, { list, before, current }: Request): Promise<readonly string[]> {
  // Behind -- stands a program's command line, not ours.
  if (before.includes("--")) return [];
  const { verb: name, rest } = splitWords(before);
  if (name === undefined || name === "help") {
    return ["help", ...list.filter(({ hidden }) => hidden !== true).map((entry) => entry.name)];
  }
  const entry = list.find((candidate) => candidate.name === name);
  if (entry === undefined) return [];
  const verb = await entry.load();
  const candidates = candidatesFor({ before: rest, current }, commandFor(name, verb), entry.completes);
  if (candidates.how === "words") return candidates.words;
  const { globals, allNamespaces } = flagsOf(commandFor(name, verb), rest, invocation);
  using connection = await connect({ ...invocation, globals });
  // Awaited, or the connection would close before.
  return await namesFor(connection, { candidates, namespace: allNamespaces ? "" : globals.namespace }, invocation.signal);
}

interface Flags {
  readonly globals: GlobalFlags;
  readonly allNamespaces: boolean;
}

/** As far as the words say; a flag that waits for its value is left out. */
function flagsOf(command: Command, rest: readonly string[], { context }: Invocation): Flags {
  const words = valueFlag(rest.at(-1), command) === undefined ? rest : rest.slice(0, -1);
  const options: { readonly allNamespaces?: boolean } = parseWords(command, words).options;
  return { globals: readGlobalFlags(options, context.env), allNamespaces: options.allNamespaces === true };
}

interface NamesRequest {
  readonly candidates: Exclude<Candidates, { readonly how: "words" }>;
  readonly namespace: string;
}

async function namesFor(connection: Connection, { candidates, namespace }: NamesRequest, signal: AbortSignal): Promise<string[]> {
  const ends = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  if (candidates.how === "containers") {
    const { object } = await getOne(connection, { kind: kindOf("pods"), namespace, name: candidates.pod }, ends);
    const { containers = [], initContainers = [] } = (object as Pod).spec ?? {};
    return [...containers, ...initContainers].flatMap(({ name }) => name ?? []);
  }
  const found = await listAll(connection, { kind: candidates.kind, namespace }, ends);
  return found.map(({ object }) => `${candidates.before}${object.metadata?.name ?? ""}`);
}

/** Longer than that, whoever pressed the key has typed on. */
const patienceMs = 2_000;
