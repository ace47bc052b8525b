/* kubectl's apply: what the manifest says now, what it said the last time (kept in an annotation), and what the object is. */

import { isJsonObject, type JsonObject } from "#core/json.ts";
import { threeWayMerge } from "#core/merge.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { lastAppliedAnnotation } from "#core/objects/metadata.ts";
import { findObject, metadataOf } from "../state/objects.ts";
import { createStep } from "./create.ts";
import type { Document } from "./documents.ts";
import type { Making } from "./new-object.ts";
import { updateStep } from "./update.ts";
import type { Planner } from "./write.ts";

export function planApply(making: Making): Planner {
  return (document, claims) => {
    const { kind, object } = document;
    const { namespace, name = "" } = metadataOf(object);
    if (name === "") {
      return {
        problems: [{ path: "metadata.name", message: "Required value: apply needs a name; use create with generateName" }],
      };
    }
    const modified = withoutLastApplied(document.json);
    const found = findObject(claims.store, kind, { namespace, name });
    const wanted = found === undefined ? object : mergedObject(kind, modified, found.object);
    const applied = withLastApplied(wanted, modified);
    const problems = kind.validate(applied);
    if (problems.length > 0) return { problems };
    const next: Document = { ...document, object: applied };
    return found === undefined ? createStep(next, making, claims) : updateStep(next, found, claims);
  };
}

function mergedObject(kind: Kind, modified: JsonObject, current: ApiObject): ApiObject {
  const { status: _, ...currentJson } = kind.toJson(current) as JsonObject;
  const merged = threeWayMerge({ original: readLastApplied(current), modified, current: currentJson });
  const wanted = kind.withDefaults(kind.fromJson(merged));
  return kind.afterChange?.(wanted, current) ?? wanted;
}

function readLastApplied(object: ApiObject): JsonObject | undefined {
  const text = metadataOf(object).annotations[lastAppliedAnnotation];
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Somebody edited it: then nothing is known to have been applied before.
    return undefined;
  }
}

function withLastApplied(object: ApiObject, modified: JsonObject): ApiObject {
  const metadata = metadataOf(object);
  const annotations = { ...metadata.annotations, [lastAppliedAnnotation]: `${JSON.stringify(modified)}\n` };
  return { ...object, metadata: { ...metadata, annotations } };
}

function withoutLastApplied(json: JsonObject): JsonObject {
  const metadata = json.metadata;
  if (!isJsonObject(metadata) || !isJsonObject(metadata.annotations ?? null)) return json;
  const { [lastAppliedAnnotation]: _, ...annotations } = metadata.annotations as JsonObject;
  return { ...json, metadata: { ...metadata, annotations } };
}
