/* What a terminal makes of a program's output: rows of text, each piece in its column. Pure. It knows what our commands print: text,
 * line ends, a carriage return that begins the row anew, and colours. Other control sequences are skipped. */

import type { Arrival } from "./session.ts";

export type Style = "plain" | "dim" | "bold" | "red" | "green" | "yellow";

/** Text that came at once, in one style, without wide gaps in it. */
export interface Piece {
  readonly column: number;
  readonly text: string;
  readonly width: number;
  readonly style: Style;
  readonly atMs: number;
}

/** `atMs` is when the row was begun. */
export interface Row {
  readonly atMs: number;
  readonly pieces: readonly Piece[];
}

const styles: Readonly<Record<number, Style>> = { 1: "bold", 2: "dim", 31: "red", 32: "green", 33: "yellow" };
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's language is made of them.
const token = /\x1b\[([0-9;]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^[]|[\x00-\x1f]|[^\x00-\x1f]+/g;

/** Rows longer than `columns` end in an ellipsis. */
export function screenOf(arrivals: readonly Arrival[], columns: number): Row[] {
  const rows: { atMs: number; pieces: Piece[] }[] = [];
  let column = 0;
  let style: Style = "plain";
  let row: (typeof rows)[number] | undefined;
  for (const { atMs, text } of arrivals) {
    for (const [found, colour] of text.matchAll(token)) {
      if (colour !== undefined) style = styleAfter(colour);
      else if (found === "\n") {
        if (row === undefined) rows.push({ atMs, pieces: [] });
        row = undefined;
        column = 0;
      } else if (found === "\r") {
        column = 0;
      } else if (found >= " ") {
        if (row === undefined) {
          row = { atMs, pieces: [] };
          rows.push(row);
        }
        if (column === 0) row.pieces = [];
        row.pieces.push(...piecesOf(found, { column, style, atMs }));
        column += widthOf(found);
      }
    }
  }
  return rows.map(({ atMs, pieces }) => ({ atMs, pieces: pieces.flatMap((piece) => clip(piece, columns)) }));
}

/** How many cells a text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += attached.test(character) ? 0 : isWide(character.codePointAt(0) ?? 0) ? 2 : 1;
  return width;
}

/** Joiners and marks that stand on the character before them. */
const attached = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** East Asian Wide and Fullwidth, roughly: https://www.unicode.org/reports/tr11 */
const wideRanges: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1f9ff],
  [0x20000, 0x3fffd],
];

function isWide(codePoint: number): boolean {
  return wideRanges.some(([first, last]) => first <= codePoint && codePoint <= last);
}

function styleAfter(colour: string): Style {
  return styles[Number(colour.split(";").at(-1))] ?? "plain";
}

/** Cells of a table stand by themselves, so that their columns hold whatever a font's letters measure. */
function piecesOf(text: string, { column, style, atMs }: Pick<Piece, "column" | "style" | "atMs">): Piece[] {
  return [...text.matchAll(/\S+(?: \S+)*/g)].map(({ 0: part, index }) => ({
    column: column + widthOf(text.slice(0, index)),
    ...{ text: part, width: widthOf(part), style, atMs },
  }));
}

function clip(piece: Piece, columns: number): Piece[] {
  const room = columns - piece.column;
  if (piece.width <= room) return [piece];
  if (room < 1) return [];
  let text = "";
  for (const character of piece.text) {
    if (widthOf(text + character) > room - 1) break;
    text += character;
  }
  return [{ ...piece, text: `${text}…`, width: widthOf(text) + 1 }];
}
