import { isJsonObject, type Json, type JsonObject, own, setOwn } from "../json.ts";

/** RFC 7386: objects are merged, null takes away, everything else replaces. */
export function mergePatch(target: Json | undefined, patch: JsonObject): JsonObject {
  const result: Record<string, Json> = {};
  const base = isJsonObject(target) ? target : {};
  for (const key of Object.keys(base)) if (!Object.hasOwn(patch, key)) setOwn(result, key, own(base, key) as Json);
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null) setOwn(result, key, isJsonObject(value) ? mergePatch(own(base, key), value) : value);
  }
  return result;
}
