/* Get and List, from memory: a list is a snapshot of one revision, sent in batches that stay far below gRPC's message limit. */

import { AppError } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { parseFieldSelector, parseLabelSelector } from "#core/selector.ts";
import type { GetRequest, ListBatch, ListRequest } from "#proto/podwire/v1/cluster.ts";
import { Resource } from "#proto/podwire/v1/resources.ts";
import { findObject, metadataOf, objectOf, prefixOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { kindNamed, namespaceOf, notFound } from "./refusals.ts";

const batchBytesMax = 256 * 1024;

export function getObject(store: Store, request: GetRequest): Resource {
  const kind = kindNamed(request.kind);
  if (request.name === "") throw new AppError("invalid", "resource name may not be empty");
  const found = findObject(store, kind, { namespace: namespaceOf(kind, request.namespace), name: request.name });
  if (found === undefined) throw notFound(kind, request.name);
  return kind.wrap(found.object);
}

export function* listBatches(store: Store, request: ListRequest): Generator<ListBatch, void, undefined> {
  const kind = kindNamed(request.kind);
  const selects = selectorOf(kind, request);
  const { revision, entries } = store.list(prefixOf(kind, request.namespace));
  const resourceVersion = String(revision);
  const items = function* () {
    for (const entry of entries) {
      const object = objectOf(kind, entry);
      if (selects(object)) yield kind.wrap(object);
    }
  };
  for (const batch of inBatches(items(), (item) => Resource.encode(item).finish().length)) {
    yield { resourceVersion, items: batch };
  }
}

/** At least one batch, be it empty; each of at most 256 KiB unless a single item is larger. */
export function* inBatches<T>(items: Iterable<T>, sizeOf: (item: T) => number): Generator<T[], void, undefined> {
  let batch: T[] = [];
  let byteCount = 0;
  for (const item of items) {
    const size = sizeOf(item);
    if (batch.length > 0 && byteCount + size > batchBytesMax) {
      yield batch;
      batch = [];
      byteCount = 0;
    }
    batch.push(item);
    byteCount += size;
  }
  yield batch;
}

export interface Selectors {
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

export function selectorOf(kind: Kind, { labelSelector, fieldSelector }: Selectors): (object: ApiObject) => boolean {
  const byLabels = parseLabelSelector(labelSelector);
  const byFields = parseFieldSelector(fieldSelector, kind.kind);
  return (object) => byLabels(metadataOf(object).labels) && byFields(object);
}
