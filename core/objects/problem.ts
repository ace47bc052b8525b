/* What can be wrong with a field, in the words that kubectl's users know. */

import { nearest } from "../nearest.ts";
import type { Problem } from "./kinds.ts";

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

export function forbidden(path: string, detail: string): Problem {
  return { path, message: `Forbidden: ${detail}` };
}

export function tooLong(path: string, bytesMax: number): Problem {
  return { path, message: `Too long: may not be more than ${bytesMax} bytes` };
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

/** As a line for a person: `spec.nodeName: Invalid value: …`, or the message alone where it names the path itself. */
export function formatProblem({ path, message }: Problem): string {
  return path === "" || message.includes(`"${path}"`) ? message : `${path}: ${message}`;
}

const shownCharactersMax = 80;

function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "[…]" : "{…}";
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, shownCharactersMax)) : String(value);
  return typeof value === "string" && value.length > shownCharactersMax ? `${text.slice(0, -1)}…"` : text;
}
