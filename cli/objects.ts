/* Reading objects from the control plane: one, all of a kind, or all and then every change. */

import { AppError, isAppError } from "#core/errors.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { findKind } from "#core/objects/kinds.ts";
import type { Resource } from "#proto/podwire/v1/resources.ts";
import type { Connection } from "./connect.ts";

export interface Item {
  readonly kind: Kind;
  readonly object: ApiObject;
}

export interface Query {
  readonly kind: Kind;
  /** All namespaces where it is empty. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ObjectName {
  readonly kind: Kind;
  /** Empty for kinds without namespaces. */
  readonly namespace: string;
  readonly name: string;
}

export function unwrap(resource: Resource | undefined): Item {
  const content = resource?.object;
  const kind = content === undefined ? undefined : findKind(content.$case);
  if (content === undefined || kind === undefined) {
    throw new AppError("unimplemented", "the control plane sent an object that this version doesn't know: update podwire");
  }
  return { kind, object: content.value };
}

export async function getOne(connection: Connection, { kind, namespace, name }: ObjectName, signal: AbortSignal): Promise<Item> {
  return unwrap(await connection.client.get({ kind: kind.kind, namespace, name }, connection.prompt(signal)));
}

export async function listAll(connection: Connection, query: Query, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of connection.client.list(requestOf(query), connection.prompt(signal))) {
    for (const resource of batch.items) items.push(unwrap(resource));
  }
  return items;
}

export type Followed =
  | { readonly type: "added" | "modified" | "deleted"; readonly item: Item }
  /** All objects that were there at the start have come. */
  | { readonly type: "synced" };

/**
 * The present objects, "synced" once, then every change. Where the control plane says that it can't continue (its history is too
 * short, or we read too slowly), it starts over and gives the difference. Ends by an error or when the caller stops reading.
 */
export async function* follow(
  connection: Connection,
  query: Query,
  signal: AbortSignal,
): AsyncGenerator<Followed, void, undefined> {
  const known = new Map<string, Item>();
  for (let round = 0; ; round++) {
    const seen = round === 0 ? undefined : new Set<string>();
    try {
      for await (const event of watch(connection, query, signal)) {
        if (event.type === "synced") {
          for (const [key, item] of known) {
            if (seen === undefined || seen.has(key)) continue;
            known.delete(key);
            yield { type: "deleted", item };
          }
          if (round === 0) yield event;
          continue;
        }
        const key = event.item.object.metadata?.uid ?? "";
        const before = known.get(key);
        seen?.add(key);
        if (event.type === "deleted") known.delete(key);
        else known.set(key, event.item);
        if (
          event.type !== "deleted" &&
          before?.object.metadata?.resourceVersion === event.item.object.metadata?.resourceVersion
        ) {
          continue;
        }
        yield event.type === "added" && before !== undefined ? { type: "modified", item: event.item } : event;
      }
      throw new AppError("unavailable", "the control plane ended the watch");
    } catch (error) {
      if (!isAppError(error, "too-old", "exhausted")) throw error;
    }
  }
}

async function* watch(connection: Connection, query: Query, signal: AbortSignal): AsyncGenerator<Followed, void, undefined> {
  for await (const batch of connection.client.watch({ ...requestOf(query), resourceVersion: "" }, { signal })) {
    for (const { type, object } of batch.events) yield { type: eventType(type), item: unwrap(object) };
    if (batch.synced) yield { type: "synced" };
  }
}

function eventType(type: string): "added" | "modified" | "deleted" {
  const lower = type.toLowerCase();
  if (lower === "added" || lower === "modified" || lower === "deleted") return lower;
  throw new AppError("internal", `the control plane sent an event of the unknown type ${JSON.stringify(type)}`);
}

function requestOf({ kind, namespace, labelSelector = "", fieldSelector = "" }: Query) {
  return { kind: kind.kind, namespace: kind.namespaced ? namespace : "", labelSelector, fieldSelector };
}
