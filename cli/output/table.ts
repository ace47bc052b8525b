/* Rows in columns that stay aligned over several batches, as a watch prints them: a column grows and never shrinks. */

import { colourOfCell, type Paint, plain } from "../colour.ts";
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
  /** Of cells that say how something is; none where absent. */
  readonly paint?: Paint;
}

export function createTable({ titles, header, paint = plain }: TableOptions): Table {
  const widths = titles.map(() => widthMin - gap);
  let headerDue = header;
  return {
    render(rows) {
      if (rows.length === 0) return "";
      const lines = headerDue ? [titles, ...rows] : rows;
      headerDue = false;
      const safe = lines.map((line) => line.map(printable));
      for (const line of safe) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
      const paintCell = (cell: string, column: number) => {
        const colour = colourOfCell(titles[column] ?? "", cell);
        return colour === undefined ? cell : paint(cell, colour);
      };
      return safe
        .map(
          (line, i) =>
            `${renderLine(line, { widths, paintCell: lines.length > rows.length && i === 0 ? (cell) => cell : paintCell })}\n`,
        )
        .join("");
    },
  };
}

interface LineLayout {
  readonly widths: readonly number[];
  paintCell(cell: string, column: number): string;
}

function renderLine(cells: readonly string[], { widths, paintCell }: LineLayout): string {
  return cells
    .map((cell, i) => {
      const blanks = i === cells.length - 1 ? 0 : (widths[i] ?? 0) + gap - cell.length;
      return `${paintCell(cell, i)}${" ".repeat(blanks)}`;
    })
    .join("");
}
