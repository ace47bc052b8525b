import assert from "node:assert/strict";
import { screenOf, widthOf } from "../../../scripts/recording/screen.ts";

const shown = (texts: readonly string[], columns = 40) =>
  screenOf(
    texts.map((text, i) => ({ atMs: i * 10, text })),
    columns,
  ).map(({ pieces }) => pieces.map(({ column, text, style, atMs }) => `${column} ${style} ${atMs} ${text}`));

describe("the recorded screen", () => {
  for (const { title, texts, want, columns } of [
    { title: "splits rows at line ends", texts: ["one\r\ntwo\r\n"], want: [["0 plain 0 one"], ["0 plain 0 two"]] },
    { title: "keeps empty rows", texts: ["one\r\n\r\ntwo"], want: [["0 plain 0 one"], [], ["0 plain 0 two"]] },
    { title: "puts each cell of a table in its column", texts: ["a b   c"], want: [["0 plain 0 a b", "6 plain 0 c"]] },
    {
      title: "knows colours, also over the border of two pieces",
      texts: ["x \x1b[32mgreen", "er\x1b[0m plain"],
      want: [["0 plain 0 x", "2 green 0 green", "7 green 10 er", "10 plain 10 plain"]],
    },
    { title: "takes the last of several colours", texts: ["\x1b[1;31mred\x1b[m."], want: [["0 red 0 red", "3 plain 0 ."]] },
    {
      title: "skips what else moves a cursor",
      texts: ["\x1b[2Ka\x1b[?25lb\x1b7c\x07"],
      want: [["0 plain 0 a", "1 plain 0 b", "2 plain 0 c"]],
    },
    { title: "begins a row anew after a carriage return", texts: ["10 %", "\r20 %\r\n"], want: [["0 plain 10 20 %"]] },
    { title: "continues a row where it ended", texts: ["web", "-1\r\n"], want: [["0 plain 0 web", "3 plain 10 -1"]] },
    { title: "counts wide characters twice", texts: ["日本  x"], want: [["0 plain 0 日本", "6 plain 0 x"]] },
    { title: "cuts what is too long, visibly", texts: ["abcdef"], columns: 5, want: [["0 plain 0 abcd…"]] },
    { title: "cuts no wide character in two", texts: ["a日本"], columns: 4, want: [["0 plain 0 a日…"]] },
    { title: "leaves out what begins beyond the edge", texts: ["abc  def"], columns: 5, want: [["0 plain 0 abc"]] },
  ]) {
    it(title, () => assert.deepEqual(shown(texts, columns), want));
  }

  it("says when each row was begun", () => {
    const rows = screenOf(
      [
        { atMs: 5, text: "a\r\n\r\n" },
        { atMs: 9, text: "b" },
      ],
      10,
    );
    assert.deepEqual(
      rows.map(({ atMs }) => atMs),
      [5, 5, 9],
    );
  });

  for (const { text, cells } of [
    { text: "", cells: 0 },
    { text: "✓ a → b", cells: 7 },
    { text: "日本", cells: 4 },
    { text: "ｱ한🚀", cells: 5 },
    { text: "e\u0301", cells: 1 },
  ]) {
    it(`gives ${JSON.stringify(text)} ${cells} cells`, () => assert.equal(widthOf(text), cells));
  }
});
