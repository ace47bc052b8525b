/* From the words of the command line to one verb's arguments and flags. commander reads the flags; what kubectl's reader (pflag)
 * takes and commander does not, is rewritten before: `--watch=true`, `--wait=false`, `-o=json`. */

import { Command, CommanderError } from "commander";
import { nearest } from "#core/nearest.ts";
import { declareGlobalFlags } from "./global-flags.ts";
import { badFlag, UsageError } from "./usage-error.ts";
import type { Verb } from "./verb.ts";

export interface Words {
  /** Undefined where there is none. */
  readonly verb: string | undefined;
  /** Everything else before `--`, in order. */
  readonly rest: readonly string[];
  /** What stood after the first `--`. */
  readonly afterDashes: readonly string[] | undefined;
}

/** Finds the verb: the first word that is neither a global flag nor its value. */
export function splitWords(argv: readonly string[]): Words {
  const dashes = argv.indexOf("--");
  const own = dashes === -1 ? argv : argv.slice(0, dashes);
  const afterDashes = dashes === -1 ? undefined : argv.slice(dashes + 1);
  // Only what stands before the verb is read here; everything is read again once the verb's flags are known.
  const globals = quiet(new Command()).helpOption(false).passThroughOptions().enablePositionalOptions();
  declareGlobalFlags(globals);
  const { operands, unknown } = reading(globals, () => globals.parseOptions([...own]));
  const [verb, ...rest] = unknown.length > 0 ? [] : operands;
  return { verb, rest: verb === undefined ? own : [...own.slice(0, own.length - operands.length), ...rest], afterDashes };
}

/** The command that reads `verb`'s flags. */
export function commandFor(name: string, verb: Verb): Command {
  const command = quiet(new Command(`podwire ${name}`))
    .usage(verb.usage)
    .description(verb.description);
  command
    .helpOption("-h, --help", "show this help")
    .argument("[words...]")
    .configureHelp({
      visibleArguments: () => [],
    });
  verb.flags(command);
  declareGlobalFlags(command);
  command.addHelpText("after", `\nExamples:\n${indent(verb.examples)}`);
  return command;
}

export interface ParsedWords {
  readonly args: readonly string[];
  readonly options: object;
  readonly wantsHelp: boolean;
}

/** Reads the words with the command's flags. What is wrong with them: a UsageError in kubectl's words. */
export function parseWords(command: Command, words: readonly string[]): ParsedWords {
  try {
    reading(command, () => command.parse(rewrite(command, words), { from: "user" }));
  } catch (error) {
    if (error instanceof CommanderError && error.code === "commander.helpDisplayed") {
      return { args: [], options: {}, wantsHelp: true };
    }
    throw error;
  }
  return { args: command.args, options: command.opts(), wantsHelp: false };
}

function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
}

function rewrite(command: Command, words: readonly string[]): string[] {
  return words.flatMap((word) => {
    const [, flag, value = ""] = /^(--[a-z-]+|-[A-Za-z])=(.*)$/s.exec(word) ?? [];
    const option = command.options.find((known) => known.long === flag || known.short === flag);
    if (flag === undefined || option === undefined) return [word];
    if ((option.isBoolean() || option.negate) && (value === "true" || value === "false")) {
      if (value === "true") return [flag];
      const negation = `--no-${option.long?.slice(2)}`;
      return command.options.some((known) => known.long === negation) ? [negation] : [];
    }
    return flag.startsWith("--") ? [word] : [`${flag}${value}`];
  });
}

/** Runs a part of commander and turns its complaints into ours. */
function reading<T>(command: Command, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const flag = /option '([^']+)'/.exec(error.message)?.[1] ?? "";
    switch (error.code) {
      case "commander.unknownOption":
        throw unknownFlag(flag, command);
      case "commander.optionMissingArgument":
        throw new UsageError(`flag needs an argument: ${flag.split(/[ ,]/)[0] ?? flag}`, { inFlags: true });
      case "commander.invalidArgument":
        throw invalidArgument(error.message);
      default:
        throw error;
    }
  }
}

/** From commander's "option '-x, --name <value>' argument 'got' is invalid. What is wanted". */
function invalidArgument(message: string): UsageError {
  const [, flags = "", got = "", reason = ""] = /option '([^']+)' argument '([^']*)' is invalid\. (.*)$/s.exec(message) ?? [];
  return badFlag(/--[a-z-]+/.exec(flags)?.[0] ?? flags, got, reason.replace(/\.$/, ""));
}

export function unknownFlag(word: string, command: Command): UsageError {
  const name = word.split("=")[0] ?? word;
  if (!name.startsWith("--")) {
    return new UsageError(`unknown shorthand flag: '${name.charAt(1)}' in ${word}`, { inFlags: true });
  }
  const known = command.options.flatMap((option) => (option.hidden || option.long === undefined ? [] : [option.long]));
  return new UsageError(`unknown flag: ${name}${didYouMean(nearest(name, known))}`, { inFlags: true });
}

/** "", or the suggestion as kubectl prints it. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? "" : `\n\nDid you mean this?\n\t${suggestion}`;
}

function indent(text: string): string {
  return text
    .trim()
    .split("\n")
    .map((line) => (line.trim() === "" ? "" : `  ${line.trim()}`))
    .join("\n");
}
