/* The fields of objects as `explain` shows them: from the table that the object checker walks, with the comments of the protos. */

import { own } from "#core/json.ts";
import { nearest } from "#core/nearest.ts";
import { schema } from "#core/objects/schema.gen.ts";
import type { FieldSchema, FieldType } from "#core/objects/schema.ts";
import { didYouMean } from "../command-line.ts";
import { UsageError } from "../usage-error.ts";
import { comments } from "./comments.gen.ts";

export interface ExplainedField {
  readonly name: string;
  /** `<[]Container>`, without the brackets around. */
  readonly type: string;
  /** Empty where there is none. */
  readonly description: string;
  /** Stored and printed, but nothing acts on it. */
  readonly kept: boolean;
  /** The message inside, where there is one. */
  readonly message: string | undefined;
}

/** In alphabetical order. */
export function fieldsOf(message: string): readonly ExplainedField[] {
  return Object.entries(own(schema, message) ?? {})
    .map(([name, field]) => explained(message, name, field))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function descriptionOf(message: string): string {
  return own(comments, message) ?? "";
}

/** What the path below `message` leads to; a UsageError names the field that isn't there. */
export function fieldAt(message: string, path: readonly string[]): ExplainedField {
  const [name = "", ...rest] = path;
  const fields = own(schema, message) ?? {};
  const field = own(fields, name);
  if (field === undefined)
    throw new UsageError(`field ${JSON.stringify(name)} does not exist${didYouMean(nearest(name, Object.keys(fields)))}`);
  const found = explained(message, name, field);
  if (rest.length === 0) return found;
  if (found.message === undefined)
    throw new UsageError(`field ${JSON.stringify(rest[0])} does not exist: ${name} is a ${found.type}`);
  return fieldAt(found.message, rest);
}

function explained(message: string, name: string, { shape, type, kept }: FieldSchema): ExplainedField {
  const inner = typeof type === "object" ? type.message : undefined;
  const ownText = own(comments, `${message}.${name}`) ?? "";
  return {
    name,
    type: `${{ one: "", list: "[]", map: "map[string]" }[shape]}${typeText(type, shape)}`,
    description: ownText === "" && inner !== undefined ? descriptionOf(inner) : ownText,
    kept: kept === true,
    message: inner,
  };
}

function typeText(type: FieldType, shape: FieldSchema["shape"]): string {
  if (typeof type === "object") return type.message;
  switch (type) {
    case "string":
      return "string";
    case "bool":
      return "boolean";
    case "int32":
    case "int64":
      return "integer";
    case "double":
      return "number";
    case "struct":
      return "Object";
    case "value":
      // The only single values are the ports of probes and hooks.
      return shape === "one" ? "IntOrString" : "Object";
  }
}
