/* What may stand in the store: JSON data, and nothing that would come back from the journal as something else. */

import { invalid } from "#core/errors.ts";
import type { Value } from "./store.ts";

const depthMax = 100;
const keyLengthMax = 1_024;

/**
 * A deeply frozen copy of `value`. Properties that are `undefined` are left out, as JSON does. "invalid", with the path, for what
 * JSON would change or lose: NaN, a Date, a Map, a function, `undefined` in a list, data that contains itself.
 */
export function frozenJson(value: unknown, path: string, depth = 0): Value {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw notJson(path, String(value));
    return value === 0 ? 0 : value; // -0 is 0 in JSON
  }
  if (typeof value !== "object") throw notJson(path, typeof value);
  if (depth >= depthMax) throw invalid(`${path}: nested more than ${depthMax} levels deep, or in itself`);
  if (Array.isArray(value)) {
    return Object.freeze(Array.from(value, (item, index) => frozenJson(item, `${path}[${index}]`, depth + 1)));
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) throw notJson(path, prototype.constructor?.name ?? "an odd object");
  const entries: [string, Value][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (item !== undefined) entries.push([name, frozenJson(item, `${path}.${name}`, depth + 1)]);
  }
  return Object.freeze(Object.fromEntries(entries));
}

/** "invalid" for a key that a journal could not give back as it was. */
export function refuseOddKey(key: unknown): void {
  if (typeof key !== "string" || key === "") throw invalid("a key is text that isn't empty");
  if (key.length > keyLengthMax) throw invalid(`the key "${key.slice(0, 40)}…" is longer than ${keyLengthMax} characters`);
  if (!key.isWellFormed() || key.includes("\0")) {
    throw invalid(`the key ${JSON.stringify(key)} holds a NUL or half a surrogate pair: use well-formed text`);
  }
}

function notJson(path: string, what: string): Error {
  return invalid(`${path}: ${what} is not JSON data`);
}
