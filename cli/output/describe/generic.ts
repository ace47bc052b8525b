/* For kinds without a layout of their own: every field under its name in words, as kubectl shows custom resources. */

import { isJsonObject, type Json, type JsonObject } from "#core/json.ts";
import type { Item } from "../../objects.ts";
import { documentOf } from "../documents.ts";
import { printable } from "../printable.ts";
import { annotationsField, field, labelsField } from "./fields.ts";

/** Shown at the top. */
const metadataShown = ["name", "namespace", "labels", "annotations"];

export function genericLines(item: Item): string[] {
  const { metadata } = item.object;
  const document = documentOf(item);
  const rest = isJsonObject(document.metadata)
    ? Object.fromEntries(Object.entries(document.metadata).filter(([key]) => !metadataShown.includes(key)))
    : {};
  return [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    ...objectLines({ ...document, metadata: rest }, ""),
  ];
}

function objectLines(object: JsonObject, indent: string): string[] {
  return Object.entries(object).flatMap(([key, value]) => {
    const label = `${indent}${labelOf(key)}:`;
    if (isJsonObject(value)) return [label, ...objectLines(value, `${indent}  `)];
    if (Array.isArray(value)) return [label, ...value.flatMap((item: Json) => itemLines(item, `${indent}  `))];
    return [`${label}\t${textOf(value)}`];
  });
}

function itemLines(item: Json, indent: string): string[] {
  return isJsonObject(item) ? objectLines(item, indent) : [`${indent}${textOf(item)}`];
}

function textOf(value: Json): string {
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}

const acronyms = ["API", "URL", "UID", "OSB", "GUID"];

/** `firstTimestamp` → `First Timestamp`, `apiVersion` → `API Version` */
function labelOf(key: string): string {
  const words = key.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^A-Za-z0-9]+/g) ?? [key];
  return words
    .map((word) => (acronyms.includes(word.toUpperCase()) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)))
    .join(" ");
}
