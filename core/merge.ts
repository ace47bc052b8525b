/* kubectl apply's three-way merge. `original` is what was applied last time, `modified` what is applied now, `current`
 * what the cluster has: what the user took out goes, what the user says is set, and what others set stays.
 *
 * Lists of objects whose items have an identity merge item by item, as in Kubernetes' strategic merge; others are replaced. */

import { isJsonObject, type Json, type JsonObject, own, setOwn } from "./json.ts";
import { identityOf, mergeKeysOf } from "./merge-keys.ts";

export interface MergeInput {
  /** Absent where the object was never applied before: then nothing is taken out. */
  readonly original?: JsonObject | undefined;
  readonly modified: JsonObject;
  readonly current: JsonObject;
}

/** The merged object; none of the three is changed. */
export function threeWayMerge({ original, modified, current }: MergeInput): JsonObject {
  return mergeObjects(original ?? {}, modified, current, []);
}

function mergeObjects(original: JsonObject, modified: JsonObject, current: JsonObject, path: readonly string[]): JsonObject {
  const result: Record<string, Json> = {};
  for (const key of new Set([...Object.keys(current), ...Object.keys(modified)])) {
    const [before, wanted, have] = [own(original, key), own(modified, key), own(current, key)];
    if (wanted === undefined) {
      if (have !== undefined && before === undefined) setOwn(result, key, have);
    } else if (wanted !== null) {
      setOwn(result, key, mergeValues(before, wanted, have, [...path, key]));
    }
  }
  return result;
}

function mergeValues(original: Json | undefined, modified: Json, current: Json | undefined, path: readonly string[]): Json {
  if (isJsonObject(modified)) {
    return mergeObjects(isJsonObject(original) ? original : {}, modified, isJsonObject(current) ? current : {}, path);
  }
  if (Array.isArray(modified) && Array.isArray(current)) {
    const keys = mergeKeysOf(path);
    const wanted = keys && byIdentity(modified, keys);
    const have = keys && byIdentity(current, keys);
    if (wanted !== undefined && have !== undefined) {
      const before = (keys && Array.isArray(original) && byIdentity(original, keys)) || new Map<string, Json>();
      return mergeLists({ before, wanted, have, path });
    }
  }
  return modified;
}

interface ListMerge {
  readonly before: ReadonlyMap<string, Json>;
  readonly wanted: ReadonlyMap<string, Json>;
  readonly have: ReadonlyMap<string, Json>;
  readonly path: readonly string[];
}

/** In `wanted`'s order; what others added stays behind the item that it stood behind. */
function mergeLists({ before, wanted, have, path }: ListMerge): Json {
  const followers = new Map<string, Json[]>();
  let leader = "";
  for (const [identity, item] of have) {
    if (wanted.has(identity)) leader = identity;
    else if (!before.has(identity)) {
      const behind = followers.get(leader) ?? [];
      behind.push(item);
      followers.set(leader, behind);
    }
  }
  const merged = [...wanted].flatMap(([identity, item]) => [
    mergeValues(before.get(identity), item, have.get(identity), path),
    ...(followers.get(identity) ?? []),
  ]);
  return [...(followers.get("") ?? []), ...merged];
}

/** The items by their identity, or undefined where one has none or two have the same. */
function byIdentity(items: readonly Json[], keys: readonly string[]): Map<string, Json> | undefined {
  const result = new Map<string, Json>();
  for (const item of items) {
    const identity = identityOf(item, keys);
    if (identity === undefined || result.has(identity)) return undefined;
    result.set(identity, item);
  }
  return result;
}
