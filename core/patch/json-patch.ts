/* RFC 6902. The operations change a copy of the document in place, so that each takes no more time than its path and its value ask for.
 * A few copies could stand for endlessly many values: what operations copy is counted, and no value may come to stand too deep. */

import { type AppError, invalid } from "../errors.ts";
import { isJsonObject, type Json, jsonEqual, own, setOwn } from "../json.ts";
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
  const root: Root = { document: clone(target) };
  const budget = { values: copiedValuesMax };
  for (const [i, item] of (patch as readonly Json[]).entries()) {
    const operation = readOperation(item, i);
    apply(root, { ...operation, at: i, depthMax, budget });
  }
  return root.document;
}

interface Root {
  document: Json;
}

/** What a path leads to but for its last part, which is the key or the index. */
type Holder = Record<string, Json> | Json[];

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

function apply(root: Root, step: Step): void {
  const { op, tokens, from, value } = step;
  switch (op) {
    case "add":
    case "replace":
      place(root, value, step);
      break;
    case "remove":
      take(root, tokens, step);
      break;
    case "copy": {
      const copied = look(root, from, step);
      spend(copied, step);
      place(root, clone(copied), step);
      break;
    }
    case "move": {
      const moved = look(root, from, step);
      if (from.length < tokens.length && from.every((token, i) => token === tokens[i])) {
        throw unfit(step, "a value can't be moved into itself");
      }
      if (from.length === tokens.length && from.every((token, i) => token === tokens[i])) return;
      take(root, from, step);
      place(root, moved, step);
      break;
    }
    case "test":
      if (!jsonEqual(look(root, tokens, step), value)) throw unfit(step, "the value there is another");
  }
}

/** The value at a place. */
function look({ document }: Root, tokens: readonly string[], step: Step): Json {
  let value: Json | undefined = document;
  for (const token of tokens) {
    if (Array.isArray(value)) value = value[indexIn(value, token, step)];
    else value = isJsonObject(value) ? own(value, token) : undefined;
    if (value === undefined) throw unfit(step, "there is nothing at that path");
  }
  return value;
}

function place(root: Root, value: Json, step: Step): void {
  const { tokens, op, depthMax } = step;
  const levels = depthMax - tokens.length;
  if (levels < 0 || isDeeper(value, levels)) throw unfit(step, `the value would stand more than ${depthMax} levels deep`);
  const token = tokens.at(-1);
  if (token === undefined) {
    root.document = value;
    return;
  }
  const holder = holderOf(root, tokens, step);
  if (!Array.isArray(holder)) {
    if (op === "replace" && !Object.hasOwn(holder, token)) throw unfit(step, "there is nothing at that path");
    setOwn(holder, token, value);
  } else if (op === "replace") holder[indexIn(holder, token, step)] = value;
  else holder.splice(token === "-" ? holder.length : indexIn(holder, token, step, holder.length), 0, value);
}

function take(root: Root, tokens: readonly string[], step: Step): void {
  const token = tokens.at(-1);
  if (token === undefined) throw unfit(step, "the whole object can't be removed");
  const holder = holderOf(root, tokens, step);
  if (Array.isArray(holder)) holder.splice(indexIn(holder, token, step), 1);
  else if (Object.hasOwn(holder, token)) delete holder[token];
  else throw unfit(step, "there is nothing at that path");
}

function holderOf(root: Root, tokens: readonly string[], step: Step): Holder {
  const holder = look(root, tokens.slice(0, -1), step);
  if (typeof holder !== "object" || holder === null) throw unfit(step, "what holds that path is neither an object nor a list");
  // All of the document is a copy of ours.
  return holder as Holder;
}

function clone(value: Json): Json {
  if (Array.isArray(value)) return value.map(clone);
  if (!isJsonObject(value)) return value;
  const result: Record<string, Json> = {};
  for (const key of Object.keys(value)) setOwn(result, key, clone(own(value, key) as Json));
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
