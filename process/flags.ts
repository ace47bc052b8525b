/* The flags of a daemon. Each has a variable: `--node-name` is PODWIRE_NODE_NAME, and the flag outranks it. Node's own reader does the
 * parsing; the CLI's richer one would cost every daemon 7 MB. */

import { parseArgs } from "node:util";
import { invalid, messageOf } from "#core/errors.ts";
import { nearest } from "#core/nearest.ts";

export interface Flag {
  /** What its value is: `host:port`. */
  readonly value: string;
  readonly description: string;
  readonly fallback?: string;
  readonly required?: boolean;
}

export type FlagValues<F extends Readonly<Record<string, Flag>>> = {
  readonly [K in keyof F]: F[K] extends { readonly required: true } | { readonly fallback: string } ? string : string | undefined;
};

export interface FlagSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Throws "invalid" naming the flag: unknown, without a value, missing. */
export function readFlags<const F extends Readonly<Record<string, Flag>>>(flags: F, { argv, env }: FlagSource): FlagValues<F> {
  const given = parse(flags, argv);
  const values: Record<string, string | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const value = given[name] ?? nonEmpty(env[variableOf(name)]) ?? flag.fallback;
    if (value === undefined && flag.required === true) throw invalid(`--${name} is missing: give it, or set ${variableOf(name)}`);
    values[name] = value;
  }
  return values as FlagValues<F>;
}

/** Whether help was asked for. */
export function wantsHelp(argv: readonly string[]): boolean {
  return argv.includes("--help") || argv.includes("-h");
}

export function helpText(usage: string, flags: Readonly<Record<string, Flag>>): string {
  const rows = Object.entries(flags).map(([name, { value, description, fallback }]) => {
    const shown = fallback === undefined || fallback === "" ? "" : ` (${fallback})`;
    return [`  --${name} <${value}>`, `${description}${shown}; ${variableOf(name)}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return `${usage}\n\n${rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join("\n")}\n`;
}

function parse(flags: Readonly<Record<string, Flag>>, argv: readonly string[]): Readonly<Record<string, string | undefined>> {
  const options = Object.fromEntries(Object.keys(flags).map((name) => [name, { type: "string" as const }]));
  try {
    return parseArgs({ args: [...argv], options }).values as Record<string, string | undefined>;
  } catch (error) {
    const unknown = /Unknown option '--([^']+)'/.exec(messageOf(error))?.[1];
    if (unknown === undefined) throw invalid(messageOf(error), { cause: error });
    const near = nearest(unknown, Object.keys(flags));
    throw invalid(`unknown flag: --${unknown}${near === undefined ? "" : `; did you mean --${near}?`}`, { cause: error });
  }
}

export function variableOf(name: string): string {
  return `PODWIRE_${name.toUpperCase().replaceAll("-", "_")}`;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
