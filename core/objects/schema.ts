/* What `schema.gen.ts` holds: the fields of every message in resources.proto, by their JSON names. */

export type FieldType = "string" | "bool" | "int32" | "int64" | "double" | "struct" | "value" | { readonly message: string };

export interface FieldSchema {
  readonly shape: "one" | "list" | "map";
  /** Of the value, of each item, or of each of the map's values; its keys are strings. */
  readonly type: FieldType;
  /** Stored and printed, but nothing in Podwire acts on it. */
  readonly kept?: true;
}

export type MessageSchema = Readonly<Record<string, FieldSchema>>;
