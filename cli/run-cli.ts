/* One run of the CLI, start to exit code; main.ts gives it the real streams, tests give it others. */

import { nearest } from "#core/nearest.ts";
import type { CliContext } from "./cli-context.ts";
import { commandFor, didYouMean, parseWords, splitWords, type Words } from "./command-line.ts";
import { readGlobalFlags } from "./global-flags.ts";
import { overview } from "./help.ts";
import { createPrinter, type Printer } from "./printer.ts";
import { describeFailure } from "./report.ts";
import { UsageError } from "./usage-error.ts";
import { type VerbEntry, verbGroups } from "./verb.ts";
import { verbs } from "./verbs/list.ts";

/** `argv` without the program's own name. Never throws. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  using printer = createPrinter(context);
  let verb: string | undefined;
  try {
    const words = splitWords(argv);
    verb = words.verb;
    return await dispatch(words, context, printer);
  } catch (error) {
    // As a shell reports a program that SIGINT ended.
    if (context.signal.aborted) return 130;
    const { text, exitCode } = describeFailure(printer.signal.aborted ? printer.signal.reason : error, verb);
    if (text !== "") await printer.printError(text);
    return exitCode;
  }
}

async function dispatch(words: Words, context: CliContext, printer: Printer): Promise<number> {
  const { verb: name, rest, afterDashes } = words;
  if (name === undefined || name === "help") return help(words, printer);
  const entry = findVerb(name);
  const verb = await entry.load();
  const command = commandFor(entry.name, verb);
  const { args, options, wantsHelp } = parseWords(command, rest);
  if (wantsHelp) {
    await printer.print(helpOf(command));
    return 0;
  }
  return verb.run({
    args,
    afterDashes,
    options,
    globals: readGlobalFlags(options, context.env),
    context,
    printer,
    signal: AbortSignal.any([context.signal, printer.signal]),
  });
}

/** `podwire`, `podwire --help`, `podwire help`, `podwire help VERB`. */
async function help({ rest, verb }: Words, printer: Printer): Promise<number> {
  const topic = rest.find((word) => !word.startsWith("-"));
  if (verb === "help" && topic !== undefined) {
    const entry = findVerb(topic);
    await printer.print(helpOf(commandFor(entry.name, await entry.load())));
    return 0;
  }
  const strange = rest.find((word) => word.startsWith("-") && word !== "-h" && word !== "--help");
  if (strange !== undefined) throw new UsageError(`unknown flag: ${strange.split("=")[0]}`, { inFlags: true });
  await printer.print(overview(verbs, verbGroups));
  return 0;
}

function findVerb(name: string): VerbEntry {
  const entry = verbs.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const names = verbs.flatMap((candidate) => (candidate.hidden ? [] : candidate.name));
  const hint = didYouMean(nearest(name, names)) || "\nRun 'podwire help' for the list of commands.";
  throw new UsageError(`unknown command ${JSON.stringify(name)} for "podwire"${hint}`);
}

function helpOf(command: ReturnType<typeof commandFor>): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}
