/* Rows of objects: the kind's own columns, or those that the user chose. */

import { unreachable } from "#core/errors.ts";
import type { Kind } from "#core/objects/kind.ts";
import type { Paint } from "../colour.ts";
import type { Item } from "../objects.ts";
import { type Layout, rowFor, titlesFor } from "./columns.ts";
import { customCells } from "./custom-columns.ts";
import { documentOf } from "./documents.ts";
import type { OutputFormat } from "./output-format.ts";
import { createTable } from "./table.ts";

export type TableFormat = Extract<OutputFormat, { readonly as: "table" | "columns" }>;

export interface ObjectTable {
  /** The lines of these objects; the first batch has the header above it. */
  render(items: readonly Item[], nowMs: number): string;
}

export interface ObjectTableOptions {
  readonly format: TableFormat;
  readonly kind: Kind;
  readonly layout: Layout;
  readonly header: boolean;
  readonly paint: Paint;
}

export function isTableFormat(format: OutputFormat): format is TableFormat {
  return format.as === "table" || format.as === "columns";
}

export function createObjectTable({ format, kind, layout, header, paint }: ObjectTableOptions): ObjectTable {
  switch (format.as) {
    case "columns": {
      const { columns } = format;
      const table = createTable({ titles: columns.map(({ title }) => title), header });
      return { render: (items) => table.render(items.map((item) => customCells(columns, documentOf(item)))) };
    }
    case "table": {
      const table = createTable({ titles: titlesFor(kind, layout), header, paint });
      return { render: (items, nowMs) => table.render(items.map(({ object }) => rowFor(kind, object, { ...layout, nowMs }))) };
    }
    default:
      return unreachable(format);
  }
}
