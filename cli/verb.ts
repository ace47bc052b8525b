/* What a verb is: one file in verbs/ that exports a Verb, and one line in verbs/list.ts. Only the verb that runs is loaded. */

import type { Command } from "commander";
import type { CliContext } from "./cli-context.ts";
import type { GlobalFlags } from "./global-flags.ts";
import type { Printer } from "./printer.ts";

/** `Options` is what `flags` declares, as commander names it (`--dry-run` → dryRun). */
export interface Verb<Options extends object = object> {
  /** What follows the verb in its usage line: `(KIND NAME | KIND/NAME) [flags]`. */
  readonly usage: string;
  /** The help's first paragraph. */
  readonly description: string;
  /** Shell lines, a comment above each. */
  readonly examples: string;
  /** Declares the verb's own flags. */
  flags(command: Command): void;
  /** Answers the exit code. What it throws is reported: UsageError, AppError, or a bug. */
  run(invocation: Invocation<Options>): Promise<number>;
}

export interface Invocation<Options extends object = object> {
  /** The arguments that are neither verb nor flag. */
  readonly args: readonly string[];
  /** What stood after `--`; undefined where there was none. */
  readonly afterDashes: readonly string[] | undefined;
  readonly options: Options;
  readonly globals: GlobalFlags;
  readonly context: CliContext;
  readonly printer: Printer;
  /** Aborts when the user interrupts or the reader of the output leaves. */
  readonly signal: AbortSignal;
}

export const verbGroups = [
  "Basic Commands",
  "Cluster Management Commands",
  "Troubleshooting Commands",
  "Other Commands",
] as const;

/** `targets`: a kind and names, or KIND/NAME; `targetsOf`: one of these kinds and names; a list: the first word is one of these; and what
 * stands behind it. */
export type Completes =
  | "targets"
  | { readonly targetsOf: readonly string[] }
  | "kinds"
  | "pods"
  | "nodes"
  | readonly string[]
  | { readonly words: readonly string[]; readonly behind: "nodes" | "targets" };

export interface VerbEntry {
  readonly name: string;
  readonly group: (typeof verbGroups)[number];
  /** Not in the list of verbs: for programs. */
  readonly hidden?: true;
  /** What its words are, for the shell's completion. */
  readonly completes?: Completes;
  /** One line in the list of verbs. */
  readonly summary: string;
  load(): Promise<Verb>;
}
