/* Rows in columns that stay aligned over several batches, as a watch prints them: a column grows and never shrinks. */

import { printable } from "./printable.ts";

const gap = 3;
const widthMin = 6;

export interface Table {
  /** The lines of these rows, each with its line end; the first batch has the header above it. */
  render(rows: readonly (readonly string[])[]): string;
}

export interface TableOptions {
  readonly titles: readonly string[];
  readonly header: boolean;
}

export function createTable({ titles, header }: TableOptions): Table {
  const widths = titles.map(() => widthMin - gap);
  let headerDue = header;
  return {
    render(rows) {
      if (rows.length === 0) return "";
      const lines = headerDue ? [titles, ...rows] : rows;
      headerDue = false;
      const safe = lines.map((line) => line.map(printable));
      for (const line of safe) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
      return safe.map((line) => `${renderLine(line, widths)}\n`).join("");
    },
  };
}

function renderLine(cells: readonly string[], widths: readonly number[]): string {
  return cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd((widths[i] ?? 0) + gap))).join("");
}
