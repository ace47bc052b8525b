/* Aligns text whose lines have cells that end in a tab (elastic tab stops): a column is as wide as its widest cell among the
 * neighbouring lines that have it, so that each block of a description aligns by itself. */

const gap = 2;

/** `lines` without line ends; the last cell of a line needs no tab and widens nothing. */
export function alignTabs(lines: readonly string[]): string {
  const rows = lines.map((line) => line.split("\t"));
  const widths = rows.map((row) => row.map(() => 0));
  const columns = Math.max(0, ...rows.map((row) => row.length - 1));
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < rows.length; ) {
      let end = first;
      while (end < rows.length && hasCell(rows[end], column)) end += 1;
      const width = Math.max(0, ...rows.slice(first, end).map((row) => row[column]?.length ?? 0));
      for (const row of widths.slice(first, end)) row[column] = width + gap;
      first = Math.max(end, first + 1);
    }
  }
  return rows.map((row, i) => `${renderRow(row, widths[i] ?? []).trimEnd()}\n`).join("");
}

/** Whether the line's cell in that column ends with a tab. */
function hasCell(row: readonly string[] | undefined, column: number): boolean {
  return row !== undefined && column < row.length - 1;
}

function renderRow(row: readonly string[], widths: readonly number[]): string {
  return row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("");
}
