/* What may stand where the user is typing. Pure: names of objects are asked for by whoever reads the answer. */

import type { Command, Option } from "commander";
import type { Kind } from "#core/objects/kind.ts";
import { findKind, kinds } from "#core/objects/kinds.ts";
import type { Completes } from "./verb.ts";

export type Candidates =
  | { readonly how: "words"; readonly words: readonly string[] }
  /** The names of a kind's objects, `kind/` before each where it was typed so. */
  | { readonly how: "objects"; readonly kind: Kind; readonly before: string }
  /** The containers of a pod. */
  | { readonly how: "containers"; readonly pod: string };

export interface Typed {
  /** The words behind the verb, without the one that is being typed. */
  readonly before: readonly string[];
  /** The one that is being typed; may be empty. */
  readonly current: string;
}

/** `command` knows the verb's flags, `completes` what its words are. */
export function candidatesFor({ before, current }: Typed, command: Command, completes: Completes | undefined): Candidates {
  const flag = valueFlag(before.at(-1), command);
  if (flag !== undefined) return flagValues(flag, wordsOf(before, command));
  if (current.startsWith("-")) return words(command.options.flatMap((option) => (option.hidden ? [] : (option.long ?? []))));
  return wordCandidates(wordsOf(before, command), current, completes);
}

function wordCandidates(typed: readonly string[], current: string, completes: Completes | undefined): Candidates {
  if (completes === undefined) return words([]);
  if (typeof completes === "object") {
    if ("subcommands" in completes) {
      return typed.length === 0 ? words(completes.subcommands) : targetCandidates(typed.slice(1), current);
    }
    if (!("targetsOf" in completes)) return words(typed.length === 0 ? completes : []);
    return typed.length === 0 ? words(completes.targetsOf) : targetCandidates(typed, current);
  }
  switch (completes) {
    case "kinds":
      return words(typed.length === 0 ? kinds.map(({ plural }) => plural) : []);
    case "nodes":
      return namesOf("Node");
    case "pods":
      return typed.length === 0 ? namesOf("Pod") : words([]);
    default:
      return targetCandidates(typed, current);
  }
}

/** `pods`, `pod web db`, `pod/web node/node-1` */
function targetCandidates([first, ...names]: readonly string[], current: string): Candidates {
  if (current.includes("/") || (first?.includes("/") ?? false)) {
    const [word = ""] = current.split("/");
    const kind = findKind(word);
    if (kind !== undefined && current.includes("/")) return { how: "objects", kind, before: `${word}/` };
    return words(kinds.map(({ singular }) => `${singular}/`));
  }
  if (first === undefined) return words(kinds.map(({ plural }) => plural));
  const kind = findKind(first);
  return kind === undefined || names.includes("-") ? words([]) : { how: "objects", kind, before: "" };
}

function flagValues(option: Option, typed: readonly string[]): Candidates {
  switch (option.long) {
    case "--namespace":
      return namesOf("Namespace");
    case "--container":
      return typed[0] === undefined ? words([]) : { how: "containers", pod: typed[0].replace(/^(pods?|po)\//, "") };
    case "--output":
      return words(["json", "yaml", "name", "wide"].filter((format) => option.description.includes(format)));
    case "--dry-run":
      return words(["none", "client", "server"]);
    case "--sort-by":
      return words(["cpu", "memory"].filter((what) => option.description.includes(what)));
    case "--types":
      return words(["Normal", "Warning"]);
    case "--restart":
      return words(["Always", "OnFailure", "Never"]);
    case "--type":
      return words(["strategic", "merge", "json"].filter((type) => option.description.includes(type)));
    default:
      return words([]);
  }
}

/** The option that the next word is a value of. */
export function valueFlag(word: string | undefined, command: Command): Option | undefined {
  if (word === undefined || !word.startsWith("-") || word.includes("=")) return undefined;
  return command.options.find((option) => option.required && (option.long === word || option.short === word));
}

/** Without flags and their values. */
function wordsOf(before: readonly string[], command: Command): readonly string[] {
  return before.filter((word, i) => !word.startsWith("-") && valueFlag(before[i - 1], command) === undefined);
}

function namesOf(kindName: string): Candidates {
  const kind = findKind(kindName);
  return kind === undefined ? words([]) : { how: "objects", kind, before: "" };
}

function words(list: readonly string[]): Candidates {
  return { how: "words", words: list };
}
