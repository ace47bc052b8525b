/* The order of what `get` prints: events by time, others by name as they come, or by what a JSONPath leads to. */

import type { Json } from "#core/json.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import type { Item } from "./objects.ts";
import { documentOf } from "./output/documents.ts";
import { byLastSeen } from "./output/event-columns.ts";
import { findJsonPath } from "./output/jsonpath/evaluate.ts";
import { type Path, parseRelaxedPath } from "./output/jsonpath/parse.ts";
import { UsageError } from "./usage-error.ts";

/** The value of --sort-by. */
export function parseSortBy(text: string): Path {
  return parseRelaxedPath(text);
}

/** `path` undefined: the order of the kind. What has no such field comes first; a field that no object has is an error, as with kubectl. */
export function sortItems(items: readonly Item[], path: Path | undefined): readonly Item[] {
  if (path === undefined) {
    // Events change places among themselves only.
    const events = items.filter(isEvent).toSorted((a, b) => byLastSeen(a.object as Event, b.object as Event));
    return items.map((item) => (isEvent(item) ? (events.shift() ?? item) : item));
  }
  const keyed = items.map((item) => ({ item, key: findJsonPath(path, documentOf(item))[0] ?? null }));
  if (keyed.length > 0 && keyed.every(({ key }) => key === null)) throw new UsageError("couldn't find any field with that path");
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ item }) => item);
}

function isEvent({ kind }: Item): boolean {
  return kind.kind === "Event";
}

function compare(a: Json, b: Json): number {
  if (a === null || b === null) return Number(b === null) - Number(a === null);
  if (typeof a === "number" && typeof b === "number") return a - b;
  // Digits as numbers: node-2 before node-10.
  return textOf(a).localeCompare(textOf(b), "en", { numeric: true });
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
