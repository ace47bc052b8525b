/* Objects as JSON and YAML text, laid out as kubectl does: keys in alphabetical order, several objects in a List. */

import { unreachable } from "#core/errors.ts";
import { isJsonObject, type Json, type JsonObject, setOwn } from "#core/json.ts";
import type { Kind } from "#core/objects/kind.ts";
import type { Item } from "../objects.ts";
import { renderJsonPath } from "./jsonpath/evaluate.ts";
import type { OutputFormat } from "./output-format.ts";

/** An object as `-o json`, `-o yaml` and JSONPath see it. */
export function documentOf({ kind, object }: Item): JsonObject {
  return sortKeys({ apiVersion: kind.apiVersion, kind: kind.kind, ...(kind.toJson(object) as JsonObject) }) as JsonObject;
}

/** The `v1` List of several. */
export function listOf(items: readonly Item[]): JsonObject {
  return { apiVersion: "v1", items: items.map(documentOf), kind: "List", metadata: { resourceVersion: "" } };
}

export type DocumentFormat = Exclude<OutputFormat, { readonly as: "table" | "columns" }>;

type PlainFormat = Exclude<DocumentFormat, { readonly as: "name" }>;

export interface DocumentsOptions {
  readonly format: DocumentFormat;
  /** The first item alone, without a List around it. */
  readonly single: boolean;
}

/** The items in any format but a table. */
export async function renderDocuments(items: readonly Item[], { format, single }: DocumentsOptions): Promise<string> {
  const [first] = items;
  if (format.as === "name") {
    return items.map(({ kind, object }) => `${slashedName({ kind, name: object.metadata?.name ?? "" })}\n`).join("");
  }
  return renderOne(single && first !== undefined ? documentOf(first) : listOf(items), format);
}

/** Documents that no server has seen, as they are; several in a List. */
export async function renderJson(documents: readonly JsonObject[], format: PlainFormat): Promise<string> {
  const [first] = documents;
  return documents.length === 1 && first !== undefined ? renderOne(sortKeys(first), format) : renderJsonList(documents, format);
}

/** In a List, however many. */
export async function renderJsonList(documents: readonly JsonObject[], format: PlainFormat): Promise<string> {
  const list = { apiVersion: "v1", items: documents, kind: "List", metadata: { resourceVersion: "" } };
  return renderOne(sortKeys(list), format);
}

function renderOne(document: Json, format: PlainFormat): string | Promise<string> {
  switch (format.as) {
    case "json":
      return jsonText(document);
    case "yaml":
      return yamlText(document);
    case "jsonpath":
      return renderJsonPath(format.template, document);
    default:
      return unreachable(format);
  }
}

/** `pod/web`, `deployment.apps/web` */
export function slashedName({ kind, name }: { readonly kind: Kind; readonly name: string }): string {
  return `${qualifiedKind(kind)}/${name}`;
}

/** `pod`, `deployment.apps` */
export function qualifiedKind(kind: Kind): string {
  const group = kind.apiVersion.includes("/") ? `.${kind.apiVersion.split("/")[0]}` : "";
  return `${kind.singular}${group}`;
}

export function jsonText(value: Json): string {
  return `${JSON.stringify(value, undefined, 4)}\n`;
}

export async function yamlText(value: Json): Promise<string> {
  const { stringify } = await import("yaml");
  // `compat` quotes what a reader of YAML 1.1, such as kubectl, would take for a boolean or a number.
  return stringify(value, { indentSeq: false, lineWidth: 0, compat: "yaml-1.1", aliasDuplicateObjects: false });
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  const sorted: Record<string, Json> = {};
  for (const key of Object.keys(value).sort()) setOwn(sorted, key, sortKeys(value[key] ?? null));
  return sorted;
}
