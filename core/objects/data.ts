/* What ConfigMaps and Secrets have in common: keys that may be file names, a bound on their size, and a switch that freezes them. */

import { jsonEqual } from "../json.ts";
import type { Problem } from "./kind.ts";
import { clip, forbidden, invalidValue } from "./problem.ts";

/** Of all values together. */
export const dataBytesMax = 1024 * 1024;

/** What is wrong with a key of a ConfigMap or a Secret, or undefined. */
export function dataKeyProblem(key: string): string | undefined {
  if (key.length > 253) return "must be no more than 253 characters";
  if (key === "" || !/^[-._a-zA-Z0-9]+$/.test(key)) {
    return "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', or 'KEY_NAME', or 'key-name')";
  }
  if (key === ".") return "must not be '.'";
  if (key === "..") return "must not be '..'";
  return key.startsWith("..") ? "must not start with '..'" : undefined;
}

export function validateDataKeys(data: Readonly<Record<string, string>>, path: string): Problem[] {
  return Object.keys(data).flatMap((key) => {
    const problem = dataKeyProblem(key);
    return problem === undefined ? [] : [invalidValue(`${path}[${clip(key)}]`, key, problem)];
  });
}

/** Names keys only: the values may be secret. */
export function validateBase64(data: Readonly<Record<string, string>>, path: string): Problem[] {
  return Object.entries(data)
    .filter(([, text]) => !isBase64(text))
    .map(([key]) => ({ path: `${path}[${clip(key)}]`, message: "Invalid value: must be base64" }));
}

interface Freezable {
  readonly immutable?: boolean | undefined;
}

/** Everything that is wrong with changing what was frozen. */
export function validateImmutable<T extends Freezable>(next: T, previous: T, fields: readonly (keyof T & string)[]): Problem[] {
  if (previous.immutable !== true) return [];
  const why = "field is immutable when `immutable` is set";
  return [
    ...(next.immutable === true ? [] : [forbidden("immutable", why)]),
    ...fields.filter((field) => !jsonEqual(next[field], previous[field])).map((field) => forbidden(field, why)),
  ];
}

function isBase64(text: string): boolean {
  const compact = text.replace(/[\r\n]/g, "");
  return compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
}
