import { isJsonObject, type Json, type JsonObject, jsonEqual, own, setOwn } from "#core/json.ts";

/** The merge patch (RFC 7386) that makes `after` of `before`; undefined where they are equal. Lists are replaced whole. */
export function mergeDiff(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) setOwn(patch, key, null);
  for (const [key, value] of Object.entries(after)) {
    const old = own(before, key);
    if (isJsonObject(old) && isJsonObject(value)) {
      const inner = mergeDiff(old, value);
      if (inner !== undefined) setOwn(patch, key, inner);
    } else if (old === undefined || !jsonEqual(old, value)) setOwn(patch, key, value);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
