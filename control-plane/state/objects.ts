/* Objects as the store holds them: Kubernetes' JSON, so that a stored object outlives a change of our generated code. Readers get
 * the typed object, made once for each stored version and shared: nobody may change it. `resourceVersion` is never stored, it is
 * the revision of the entry. */

import { AppError, assert } from "#core/errors.ts";
import { jsonEqual } from "#core/json.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import type { ObjectMeta } from "#proto/podwire/v1/resources.ts";
import type { Check, Entry, Store, Write } from "../store/store.ts";

/** The object in an entry of that kind, with its resourceVersion. */
export function objectOf<T extends ApiObject>(kind: Kind<T>, entry: Entry): T {
  return foundIn(kind, entry).object;
}

export function withResourceVersion<T extends ApiObject>(object: T, revision: number): T {
  return { ...object, metadata: { ...metadataOf(object), resourceVersion: String(revision) } };
}

/** Every stored object has metadata. */
export function metadataOf(object: ApiObject): ObjectMeta {
  assert(object.metadata !== undefined, "a stored object has metadata");
  return object.metadata;
}

export function nameOf(object: ApiObject): string {
  return object.metadata?.name ?? "";
}

export interface Found<T extends ApiObject> {
  readonly key: string;
  readonly entry: Entry;
  readonly object: T;
}

export function findObject<T extends ApiObject>(
  store: Store,
  kind: Kind<T>,
  { namespace, name }: { readonly namespace?: string | undefined; readonly name: string },
): Found<T> | undefined {
  const entry = store.get(keyOf(kind, namespace, name));
  return entry && foundIn(kind, entry);
}

/** By the store's list of them, which is the same for as long as none of them changes. */
const foundLists = new WeakMap<readonly Entry[], readonly Found<ApiObject>[]>();
/** By stored version, decoded once. */
const founds = new WeakMap<Entry, Found<ApiObject>>();

/** All of a kind, or those in one namespace, in the order of their keys. */
export function listObjects<T extends ApiObject>(store: Store, kind: Kind<T>, namespace?: string): readonly Found<T>[] {
  const { entries } = store.list(prefixOf(kind, namespace));
  const known = foundLists.get(entries);
  if (known !== undefined) return known as readonly Found<T>[];
  const list = entries.map((entry) => foundIn(kind, entry));
  foundLists.set(entries, list);
  return list;
}

function foundIn<T extends ApiObject>(kind: Kind<T>, entry: Entry): Found<T> {
  const known = founds.get(entry);
  if (known !== undefined) return known as Found<T>;
  const object = withResourceVersion(kind.fromJson(entry.value), entry.modRevision);
  const found = { key: entry.key, entry, object };
  founds.set(entry, found);
  return found;
}

/** Where the keys of a kind's objects begin. */
export function prefixOf(kind: Pick<Kind<never>, "plural" | "namespaced">, namespace?: string): string {
  return kind.namespaced && namespace !== undefined && namespace !== "" ? `${kind.plural}/${namespace}/` : `${kind.plural}/`;
}

export function putObject<T extends ApiObject>(kind: Kind<T>, object: T): Write {
  const metadata = metadataOf(object);
  const { resourceVersion: _, ...stored } = metadata;
  const key = keyOf(kind, metadata.namespace, metadata.name ?? "");
  return { type: "put", key, value: kind.toJson({ ...object, metadata: stored }) };
}

export function sameObject<T extends ApiObject>(kind: Kind<T>, a: T, b: T): boolean {
  return a === b || jsonEqual(kind.toJson(a), kind.toJson(b));
}

/** Holds while nobody wrote the object since it was read. */
export function unchanged(entry: Entry): Check {
  return { key: entry.key, modRevision: entry.modRevision };
}

const attemptsMax = 50;

/** Runs `attempt`, which reads and commits, again after each conflict: somebody else wrote first, so it must decide anew. */
export async function retryConflicts<T>(attempt: () => Promise<T>): Promise<T> {
  for (let attemptCount = 1; ; attemptCount++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof AppError) || error.kind !== "conflict" || attemptCount === attemptsMax) throw error;
    }
  }
}

/**
 * Writes what `change` makes of the object as it is now; undefined, or the same object, writes nothing. Answers whether it wrote.
 * An object that isn't there (any more) is left alone.
 */
export function updateObject<T extends ApiObject>(
  store: Store,
  kind: Kind<T>,
  { namespace, name, change }: ObjectChange<T>,
): Promise<boolean> {
  return retryConflicts(async () => {
    const found = findObject(store, kind, { namespace, name });
    if (found === undefined) return false;
    const next = change(found.object);
    if (next === undefined || next === found.object) return false;
    await store.commit({ checks: [unchanged(found.entry)], writes: [putObject(kind, next)] });
    return true;
  });
}

export interface ObjectChange<T extends ApiObject> {
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly change: (current: T) => T | undefined;
}
