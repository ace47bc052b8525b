import type { Event } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

/** An event has no NAME column but in wide tables: nobody asks for it by its name. */
export const eventColumns: readonly Column<Event>[] = [
  { title: "LAST SEEN", cell: (event, nowMs) => ageOf(lastSeen(event), nowMs) },
  { title: "TYPE", cell: (event) => event.type ?? "" },
  { title: "REASON", cell: (event) => event.reason ?? "" },
  { title: "OBJECT", cell: involvedText },
  { title: "SUBOBJECT", wide: true, cell: (event) => event.involvedObject?.fieldPath ?? "" },
  { title: "SOURCE", wide: true, cell: sourceText },
  { title: "MESSAGE", cell: (event) => event.message?.trim() ?? "" },
  { title: "FIRST SEEN", wide: true, cell: (event, nowMs) => ageOf(firstSeen(event), nowMs) },
  { title: "COUNT", wide: true, cell: (event) => String(event.count ?? 1) },
  { title: "NAME", wide: true, cell: (event) => event.metadata?.name ?? "" },
];

export function lastSeen(event: Event): string | undefined {
  return event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata?.creationTimestamp;
}

function firstSeen(event: Event): string | undefined {
  return event.firstTimestamp ?? event.eventTime ?? event.metadata?.creationTimestamp;
}

/** `5m`, or `5m (x3 over 10m)` where it happened more than once. */
export function eventAge(event: Event, nowMs: number): string {
  const { count = 1 } = event;
  if (count <= 1) return ageOf(firstSeen(event), nowMs);
  return `${ageOf(lastSeen(event), nowMs)} (x${count} over ${ageOf(firstSeen(event), nowMs)})`;
}

/** `pod/web` */
export function involvedText({ involvedObject }: Event): string {
  return `${(involvedObject?.kind ?? "").toLowerCase()}/${involvedObject?.name ?? ""}`;
}

/** The oldest first; within a second, in the order in which they were written. */
export function byLastSeen(a: Event, b: Event): number {
  return timeOf(a) - timeOf(b) || versionOf(a) - versionOf(b);
}

function versionOf({ metadata }: Event): number {
  return Number(metadata?.resourceVersion ?? 0) || 0;
}

function timeOf(event: Event): number {
  return Date.parse(lastSeen(event) ?? "") || 0;
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source?.component || reportingComponent || "";
  const host = source?.host || reportingInstance || "";
  return host === "" ? component : `${component}, ${host}`;
}
