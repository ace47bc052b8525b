/* A patch as a user sends it: text and its type. Whatever the text says, the answer is JSON or an AppError. */

import { AppError, invalid, messageOf } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import { isDeeper } from "./depth.ts";
import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { strategicPatch } from "./strategic-patch.ts";

const patchTypes = ["strategic", "merge", "json"] as const;

/** As etcd's limit on a request. */
const patchBytesMax = 1536 * 1024;
/** Twice what an object may have (objects/check.ts): no patch of one needs more. */
const patchDepthMax = 64;

export interface Patch {
  /** "strategic" where it is empty. */
  readonly type: string;
  /** JSON. */
  readonly text: string;
}

/** `target` with the patch; `target` itself never changes. Throws "invalid". */
export function applyPatch(target: JsonObject, { type, text }: Patch): JsonObject {
  const known = patchTypes.find((name) => name === (type || "strategic"));
  if (known === undefined) throw badPatch(`the patch type must be one of ${patchTypes.join(", ")}, not "${type.slice(0, 80)}"`);
  if (text.length > patchBytesMax) throw badPatch(`the patch is longer than ${patchBytesMax} bytes`);
  const patch = parse(text);
  if (isDeeper(patch, patchDepthMax)) throw badPatch(`the patch is nested in more than ${patchDepthMax} levels`);
  if (known === "json") {
    const patched = jsonPatch(target, patch, { depthMax: patchDepthMax });
    if (!isJsonObject(patched)) throw new AppError("invalid", "the patch leaves no object", { reason: "Invalid" });
    return patched;
  }
  if (!isJsonObject(patch)) throw badPatch(`a ${known} patch must be an object`);
  return known === "merge" ? mergePatch(target, patch) : strategicPatch(target, patch);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw badPatch(`error decoding patch: ${messageOf(error)}`);
  }
}

function badPatch(message: string): AppError {
  return invalid(message, { reason: "BadRequest" });
}
