/* Watch: the present objects where the caller has no version, then every change, in order. With selectors the caller sees what it
 * would see without them and a filter of its own: an object that stops matching is DELETED for it, one that begins to is ADDED. */

import { invalid } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { type WatchBatch, WatchEvent, type WatchRequest } from "#proto/podwire/v1/cluster.ts";
import { objectOf, prefixOf, withResourceVersion } from "../state/objects.ts";
import type { Store, StoreChange } from "../store/store.ts";
import { inBatches, selectorOf } from "./read.ts";
import { kindNamed } from "./refusals.ts";

type Selects = (object: ApiObject) => boolean;

export async function* watchObjects(
  store: Store,
  request: WatchRequest,
  signal: AbortSignal,
): AsyncGenerator<WatchBatch, void, undefined> {
  const kind = kindNamed(request.kind);
  const selects = selectorOf(kind, request);
  const prefix = prefixOf(kind, request.namespace);
  const since = request.resourceVersion === "" ? undefined : readVersion(request.resourceVersion);
  let revision = since ?? store.revision;
  if (since === undefined) {
    const listed = store.list(prefix);
    revision = listed.revision;
    const present = listed.entries.map((entry) => objectOf(kind, entry)).filter(selects);
    const batches = [
      ...inBatches(
        present.map((object) => eventOf(kind, "ADDED", object)),
        sizeOf,
      ),
    ];
    for (const [i, events] of batches.entries()) {
      yield { resourceVersion: String(revision), events, synced: i === batches.length - 1 };
    }
  }
  for await (const { revision: at, changes } of store.watch(prefix, { since: revision, signal })) {
    const events = changes.flatMap((change) => eventsOf(kind, selects, change));
    if (events.length === 0) continue;
    // Only the last part of a revision may be resumed from: until then the one before it.
    const batches = [...inBatches(events, sizeOf)];
    for (const [i, batch] of batches.entries()) {
      const resumeFrom = i === batches.length - 1 ? at : revision;
      yield { resourceVersion: String(resumeFrom), events: batch, synced: false };
    }
    revision = at;
  }
}

function readVersion(text: string): number {
  const version = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(version)) {
    throw invalid(`resourceVersion "${text}" is not one that this API gave`, { field: "resourceVersion" });
  }
  return version;
}

function eventsOf(kind: Kind, selects: Selects, change: StoreChange): WatchEvent[] {
  const previous = change.previous && objectOf(kind, change.previous);
  const before = previous !== undefined && selects(previous);
  if (change.type === "delete") {
    return before ? [eventOf(kind, "DELETED", withResourceVersion(previous, change.revision))] : [];
  }
  const object = objectOf(kind, change.entry);
  const now = selects(object);
  if (now) return [eventOf(kind, before ? "MODIFIED" : "ADDED", object)];
  return before ? [eventOf(kind, "DELETED", object)] : [];
}

function eventOf(kind: Kind, type: "ADDED" | "MODIFIED" | "DELETED", object: ApiObject): WatchEvent {
  return { type, object: kind.wrap(object) };
}

function sizeOf(event: WatchEvent): number {
  return WatchEvent.encode(event).finish().length;
}
