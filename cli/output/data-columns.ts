import type { ConfigMap, Secret } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

export const configMapColumns: readonly Column<ConfigMap>[] = [
  { title: "DATA", cell: ({ data, binaryData }) => String(Object.keys(data).length + Object.keys(binaryData).length) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];

export const secretColumns: readonly Column<Secret>[] = [
  { title: "TYPE", cell: ({ type }) => type ?? "" },
  { title: "DATA", cell: ({ data }) => String(Object.keys(data).length) },
  { title: "AGE", cell: ({ metadata }, nowMs) => ageOf(metadata?.creationTimestamp, nowMs) },
];
