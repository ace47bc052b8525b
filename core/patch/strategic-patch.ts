/* Kubernetes' strategic merge patch: as a merge patch, but lists whose items have an identity merge item by item, and directives say
 * what a merge can't:
 *   $patch: replace | delete | merge          in an object, or as an item of a list
 *   $deleteFromPrimitiveList/NAME: [ … ]      takes these out of the list NAME
 *   $setElementOrder/NAME: [ … ]              the order of the list NAME
 *   $retainKeys: [ … ]                        of an object, takes away all other fields */

import { type AppError, invalid } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject, own, setOwn } from "../json.ts";
import { identityOf, mergeKeysOf } from "../merge-keys.ts";

const deleteFromList = "$deleteFromPrimitiveList/";
const setOrder = "$setElementOrder/";

/** Throws "invalid" where a directive is unknown, or where an item of a list that merges has no identity. */
export function strategicPatch(target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(target, patch, []);
}

function mergeObject(target: JsonObject, patch: JsonObject, path: readonly string[]): JsonObject {
  const directive = directiveOf(patch, path);
  if (directive === "delete") return {};
  const result: Record<string, Json> = {};
  if (directive !== "replace") for (const key of Object.keys(target)) setOwn(result, key, own(target, key) as Json);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$")) continue;
    if (value === null) delete result[key];
    else setOwn(result, key, mergeValue(own(result, key), value, [...path, key]));
  }
  // After the merge, so that an order may name what the patch adds.
  for (const [key, value] of Object.entries(patch)) applyListDirective(result, { key, value, path });
  return retained(result, own(patch, "$retainKeys"), path);
}

function mergeValue(target: Json | undefined, patch: Json, path: readonly string[]): Json {
  if (isJsonObject(patch)) return mergeObject(isJsonObject(target) ? target : {}, patch, path);
  if (!Array.isArray(patch)) return patch;
  const keys = mergeKeysOf(path);
  return keys === undefined
    ? withoutDirectives(patch, path)
    : mergeList(Array.isArray(target) ? target : [], patch, { keys, path });
}

interface ListPlace {
  readonly keys: readonly string[];
  readonly path: readonly string[];
}

function mergeList(target: readonly Json[], patch: readonly Json[], { keys, path }: ListPlace): readonly Json[] {
  const replaces = patch.some((item) => isJsonObject(item) && own(item, "$patch") === "replace");
  const result = new Map<string, Json>();
  for (const [i, item] of (replaces ? [] : target).entries()) {
    const identity = identityOf(item, keys);
    // What can't be told apart stays as it is.
    result.set(identity === undefined || result.has(identity) ? `#${i}` : identity, item);
  }
  for (const item of patch) {
    if (isJsonObject(item) && own(item, "$patch") === "replace" && Object.keys(item).length === 1) continue;
    const identity = identityOf(item, keys);
    if (identity === undefined) throw noIdentity(item, { keys, path });
    if (isJsonObject(item) && directiveOf(item, path) === "delete") result.delete(identity);
    else result.set(identity, mergeValue(result.get(identity), item, path));
  }
  return [...result.values()];
}

/** A list that is one value: its items may still hold nulls, which mean absent. */
function withoutDirectives(items: readonly Json[], path: readonly string[]): readonly Json[] {
  return items
    .filter((item) => !(isJsonObject(item) && own(item, "$patch") !== undefined && Object.keys(item).length === 1))
    .map((item) => (isJsonObject(item) ? mergeObject({}, item, path) : item));
}

interface Directive {
  readonly key: string;
  readonly value: Json;
  readonly path: readonly string[];
}

function applyListDirective(result: Record<string, Json>, { key, value, path }: Directive): void {
  if (!key.startsWith("$") || key === "$patch" || key === "$retainKeys") return;
  const name = key.slice(key.indexOf("/") + 1);
  if (!Array.isArray(value) || (!key.startsWith(deleteFromList) && !key.startsWith(setOrder))) {
    throw wrong(`${at(path)}${key.slice(0, 80)}: unknown directive, or not a list`);
  }
  const list = own(result, name);
  if (!Array.isArray(list)) return;
  if (key.startsWith(deleteFromList)) {
    const unwanted = new Set(value.map((item) => JSON.stringify(item)));
    setOwn(
      result,
      name,
      list.filter((item) => !unwanted.has(JSON.stringify(item))),
    );
  } else {
    setOwn(result, name, inOrder(list, value, mergeKeysOf([...path, name]) ?? []));
  }
}

/** What the order does not name stays behind the item that it stood behind. */
function inOrder(items: readonly Json[], order: readonly Json[], keys: readonly string[]): readonly Json[] {
  const places = new Map(order.map((item, i) => [identityOf(item, keys), i + 1]));
  let place = 0;
  return items
    .map((item) => {
      const identity = identityOf(item, keys);
      place = (identity === undefined ? undefined : places.get(identity)) ?? place;
      return { item, place };
    })
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function retained(object: JsonObject, keys: Json | undefined, path: readonly string[]): JsonObject {
  if (keys === undefined) return object;
  if (!Array.isArray(keys)) throw wrong(`${at(path)}$retainKeys must be a list of names`);
  const result: Record<string, Json> = {};
  const kept = new Set<Json>(keys);
  for (const [key, value] of Object.entries(object)) if (kept.has(key)) setOwn(result, key, value);
  return result;
}

function directiveOf(patch: JsonObject, path: readonly string[]): "replace" | "delete" | "merge" {
  const directive = own(patch, "$patch") ?? "merge";
  if (directive === "replace" || directive === "delete" || directive === "merge") return directive;
  throw wrong(`${at(path)}$patch must be "replace", "delete" or "merge"`);
}

function noIdentity(item: Json, { keys, path }: ListPlace): AppError {
  const place = path.join(".").slice(0, 120);
  if (keys.length === 0) return wrong(`${place}: every item must be a string`);
  const missing = isJsonObject(item) ? keys.filter((key) => own(item, key) === undefined) : keys;
  return wrong(`${place}: an item of the patch does not contain the declared merge key: ${missing.join(", ")}`);
}

function at(path: readonly string[]): string {
  return path.length === 0 ? "" : `${path.join(".").slice(0, 120)}.`;
}

function wrong(message: string): AppError {
  return invalid(message, { reason: "BadRequest" });
}
