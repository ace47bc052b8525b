/* What can be wrong with a field, in the words that kubectl's users know. */

import { nearest } from "../nearest.ts";
import type { Problem } from "./kind.ts";

export function required(path: string, detail?: string): Problem {
  return { path, message: detail === undefined ? "Required value" : `Required value: ${detail}` };
}

export function invalidValue(path: string, value: unknown, detail: string): Problem {
  return { path, message: `Invalid value: ${show(value)}: ${detail}` };
}

export function unsupported(path: string, value: string, supported: readonly string[]): Problem {
  const list = supported.map((word) => `"${word}"`).join(", ");
  return { path, message: `Unsupported value: ${show(value)}: supported values: ${list}` };
}

export function duplicate(path: string, value: unknown): Problem {
  return { path, message: `Duplicate value: ${show(value)}` };
}

export function notFound(path: string, value: string): Problem {
  return { path, message: `Not found: ${show(value)}` };
}

/** Whether `value` is in the range, as a problem. */
export function outside(path: string, value: number | undefined, { min, max }: Range): Problem[] {
  if (value === undefined || (value >= min && value <= (max ?? value))) return [];
  const wanted = max === undefined ? `greater than or equal to ${min}` : `between ${min} and ${max}, inclusive`;
  return [invalidValue(path, value, `must be ${wanted}`)];
}

export interface Range {
  readonly min: number;
  readonly max?: number;
}

export function forbidden(path: string, detail: string): Problem {
  return { path, message: `Forbidden: ${detail}` };
}

export function tooLong(path: string, bytesMax: number): Problem {
  return { path, message: `Too long: may not be more than ${bytesMax} bytes` };
}

export function tooMany(path: string, count: number, countMax: number): Problem {
  return { path, message: `Too many: ${count}: must have at most ${countMax} items` };
}

/** A problem with one value where `problem` says what is wrong with it, as the functions of core/names.ts do. */
export function unless(path: string, value: string, problem: string | undefined): Problem[] {
  return problem === undefined ? [] : [invalidValue(path, value, problem)];
}

/** A field that no message has; `known` are the names that it could have meant. */
export function unknownField(path: string, name: string, known: readonly string[]): Problem {
  const meant = nearest(name, known);
  return { path, message: `unknown field "${path}"${meant === undefined ? "" : `, did you mean "${meant}"?`}` };
}

export function isUnknownField({ message }: Problem): boolean {
  return message.startsWith("unknown field ");
}

/** As a line for a person: `spec.nodeName: Invalid value: …`, or the message alone where it names the path itself. */
export function formatProblem({ path, message }: Problem): string {
  return path === "" || message.includes(`"${path}"`) ? message : `${path}: ${message}`;
}

export interface ProblemList {
  add(problems: readonly Problem[]): void;
  /** At most a hundred, and how many more there were. */
  problems(): readonly Problem[];
}

const problemsMax = 100;

export function createProblemList(): ProblemList {
  const kept: Problem[] = [];
  let more = 0;
  return {
    add(problems) {
      const taken = problems.slice(0, problemsMax - kept.length);
      kept.push(...taken);
      more += problems.length - taken.length;
    },
    problems: () => (more === 0 ? kept : [...kept, { path: "", message: `… and ${more} more` }]),
  };
}

const shownCharactersMax = 80;

/** A word of the input for a path or a message, which stay short whatever the input. */
export function clip(text: string): string {
  return text.length <= shownCharactersMax ? text : `${text.slice(0, shownCharactersMax)}…`;
}

function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[…]" : "{…}";
  return typeof value === "string" ? JSON.stringify(clip(value)) : String(value);
}
