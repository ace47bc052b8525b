/* The table that ends a description: what happened to the object, the oldest first. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { byLastSeen, eventAge } from "../event-columns.ts";
import { innerTable } from "./fields.ts";

export function eventLines(events: readonly Event[], nowMs: number): string[] {
  if (events.length === 0) return ["Events:\t<none>"];
  const rows = events
    .toSorted(byLastSeen)
    .map((event) => [
      event.type ?? "",
      event.reason ?? "",
      eventAge(event, nowMs),
      event.source?.component || event.reportingComponent || "",
      event.message?.trim() ?? "",
    ]);
  return ["Events:", ...innerTable(["Type", "Reason", "Age", "From", "Message"], rows)];
}

/** The field selector of the events about an object, those about others of its name among them. */
export function eventSelector(kind: Kind, { metadata }: ApiObject): string {
  return `involvedObject.kind=${kind.kind},involvedObject.name=${metadata?.name ?? ""}`;
}

/** Events that know their object's uid are not about another one under its name. A kubelet names its node by its name. */
export function isAbout(event: Event, { metadata }: ApiObject): boolean {
  const uid = event.involvedObject?.uid ?? "";
  return uid === "" || uid === metadata?.uid || uid === metadata?.name;
}
