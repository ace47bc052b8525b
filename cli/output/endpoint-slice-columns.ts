import type { EndpointSlice } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

const shownMax = 3;

export const endpointSliceColumns: readonly Column<EndpointSlice>[] = [
  { title: "ADDRESSTYPE", cell: ({ addressType }) => addressType ?? "" },
  { title: "PORTS", cell: ({ ports }) => firstOf(ports.map(({ port }) => (port === undefined ? "*" : String(port)))) },
  { title: "ENDPOINTS", cell: ({ endpoints }) => firstOf(endpoints.flatMap(({ addresses }) => addresses)) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];

/** `10.244.0.2,10.244.1.2,10.244.2.2 + 7 more...` */
function firstOf(words: readonly string[]): string {
  if (words.length === 0) return "<unset>";
  const more = words.length - shownMax;
  return `${words.slice(0, shownMax).join(",")}${more > 0 ? ` + ${more} more...` : ""}`;
}
