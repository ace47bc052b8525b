/* RFC 6902. A document is never changed: each operation makes the path to its place anew and shares all the rest.
 *
 * Copies share what they copy, so a few operations could stand for endlessly many values: what operations copy is counted, and no value
 * may come to stand too deep. */

import { type AppError, invalid } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject, jsonEqual, own, setOwn } from "../json.ts";
import { isDeeper } from "./depth.ts";

const operationsMax = 1_000;
/** Of all copies together. */
const copiedValuesMax = 50_000;

export interface PatchBounds {
  /** How deep values may stand in each other. */
  readonly depthMax: number;
}

/** Throws "invalid", naming the operation, where the patch is none or does not fit the document: then nothing of it counts. */
export function jsonPatch(target: Json, patch: Json, { depthMax }: PatchBounds): Json {
  if (!Array.isArray(patch)) throw wrong("a json patch must be a list of operations");
  if (patch.length > operationsMax) throw wrong(`a json patch may have at most ${operationsMax} operations, not ${patch.length}`);
  let document = target;
  const budget = { values: copiedValuesMax };
  for (const [i, item] of (patch as readonly Json[]).entries()) {
    const operation = readOperation(item, i);
    document = apply(document, { ...operation, at: i, depthMax, budget });
  }
  return document;
}

const names = ["add", "remove", "replace", "move", "copy", "test"] as const;

interface Operation {
  readonly op: (typeof names)[number];
  readonly path: string;
  readonly tokens: readonly string[];
  readonly from: readonly string[];
  readonly value: Json;
}

interface Step extends Operation {
  readonly at: number;
  readonly depthMax: number;
  readonly budget: { values: number };
}

function readOperation(item: Json, at: number): Operation {
  const where = `operation ${at + 1} of the json patch`;
  if (!isJsonObject(item)) throw wrong(`${where} must be an object`);
  const op = names.find((name) => name === own(item, "op"));
  if (op === undefined) throw wrong(`${where}: op must be one of ${names.join(", ")}`);
  const path = own(item, "path");
  if (typeof path !== "string") throw wrong(`${where}: path must be a string`);
  const from = own(item, "from");
  const moves = op === "move" || op === "copy";
  if (moves && typeof from !== "string") throw wrong(`${where}: ${op} needs from`);
  const value = own(item, "value");
  if ((op === "add" || op === "replace" || op === "test") && value === undefined) throw wrong(`${where}: ${op} needs a value`);
  return {
    ...{ op, path, value: value ?? null },
    tokens: parsePointer(path, where),
    from: moves ? parsePointer(from as string, where) : [],
  };
}

function apply(document: Json, step: Step): Json {
  const { op, tokens, from, value } = step;
  switch (op) {
    case "add":
    case "replace":
      return place(document, value, step);
    case "remove":
      return take(document, tokens, step);
    case "copy": {
      const copied = look(document, from, step);
      spend(copied, step);
      return place(document, copied, step);
    }
    case "move": {
      const moved = look(document, from, step);
      if (from.length < tokens.length && from.every((token, i) => token === tokens[i])) {
        throw unfit(step, "a value can't be moved into itself");
      }
      return place(take(document, from, step), moved, step);
    }
    case "test": {
      if (!jsonEqual(look(document, tokens, step), value)) throw unfit(step, "the value there is another");
      return document;
    }
  }
}

function place(document: Json, value: Json, step: Step): Json {
  const levels = step.depthMax - step.tokens.length;
  if (levels < 0 || isDeeper(value, levels)) throw unfit(step, `the value would stand more than ${step.depthMax} levels deep`);
  return put(document, step.tokens, value, step);
}

/** The value at a place. */
function look(document: Json, tokens: readonly string[], step: Step): Json {
  let value: Json | undefined = document;
  for (const token of tokens) {
    if (Array.isArray(value)) value = value[indexIn(value, token, step)];
    else value = isJsonObject(value) ? own(value, token) : undefined;
    if (value === undefined) throw unfit(step, "there is nothing at that path");
  }
  return value;
}

function put(document: Json, tokens: readonly string[], value: Json, step: Step): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  if (Array.isArray(document)) {
    const items: readonly Json[] = document;
    if (rest.length > 0) {
      const index = indexIn(items, token, step);
      return items.with(index, put(items[index] ?? null, rest, value, step));
    }
    if (step.op === "replace") return items.with(indexIn(items, token, step), value);
    return items.toSpliced(token === "-" ? items.length : indexIn(items, token, step, items.length), 0, value);
  }
  if (!isJsonObject(document)) throw unfit(step, "what holds that path is neither an object nor a list");
  const present = own(document, token);
  if (present === undefined && (rest.length > 0 || step.op === "replace")) throw unfit(step, "there is nothing at that path");
  return withKey(document, token, rest.length > 0 ? put(present ?? null, rest, value, step) : value);
}

function take(document: Json, tokens: readonly string[], step: Step): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) throw unfit(step, "the whole object can't be removed");
  if (Array.isArray(document)) {
    const items: readonly Json[] = document;
    const index = indexIn(items, token, step);
    return rest.length > 0 ? items.with(index, take(items[index] ?? null, rest, step)) : items.toSpliced(index, 1);
  }
  const present = isJsonObject(document) ? own(document, token) : undefined;
  if (!isJsonObject(document) || present === undefined) throw unfit(step, "there is nothing at that path");
  if (rest.length > 0) return withKey(document, token, take(present, rest, step));
  const result: Record<string, Json> = {};
  for (const key of Object.keys(document)) if (key !== token) setOwn(result, key, own(document, key) as Json);
  return result;
}

function withKey(object: JsonObject, key: string, value: Json): JsonObject {
  const result: Record<string, Json> = {};
  for (const name of Object.keys(object)) setOwn(result, name, own(object, name) as Json);
  setOwn(result, key, value);
  return result;
}

function indexIn(items: readonly Json[], token: string, step: Step, max = items.length - 1): number {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(token)) throw unfit(step, `"${token.slice(0, 40)}" is not an index of a list`);
  const index = Number(token);
  if (index > max) throw unfit(step, `the list there has ${items.length} items`);
  return index;
}

/** RFC 6901. */
function parsePointer(text: string, where: string): readonly string[] {
  if (text === "") return [];
  if (!text.startsWith("/")) throw wrong(`${where}: the path "${text.slice(0, 80)}" must begin with /`);
  return text
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Takes what a copied value weighs. */
function spend(value: Json, step: Step): void {
  step.budget.values -= 1;
  if (step.budget.values < 0) throw unfit(step, `the patch copies more than ${copiedValuesMax} values`);
  if (typeof value !== "object" || value === null) return;
  const items: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  for (const item of items) spend(item, step);
}

function wrong(message: string): AppError {
  return invalid(message, { reason: "BadRequest" });
}

function unfit({ at, op, path }: Step, why: string): AppError {
  return invalid(`operation ${at + 1} of the json patch (${op} "${path.slice(0, 120)}") does not apply: ${why}`, {
    reason: "Invalid",
  });
}
