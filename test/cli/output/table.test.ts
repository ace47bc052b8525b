import assert from "node:assert/strict";
import { createTable } from "../../../cli/output/table.ts";

describe("a table", () => {
  it("pads every column but the last, to three more than its widest cell", () => {
    const table = createTable({ titles: ["NAME", "AGE"], header: true });
    assert.equal(
      table.render([
        ["a-long-name", "5s"],
        ["b", "2m"],
      ]),
      "NAME          AGE\na-long-name   5s\nb             2m\n",
    );
  });

  it("prints its titles once, and keeps a column's width in later batches", () => {
    const table = createTable({ titles: ["NAME", "AGE"], header: true });
    table.render([["a-long-name", "5s"]]);
    assert.equal(table.render([["b", "2m"]]), "b             2m\n");
  });

  it("prints nothing, not even titles, for no rows", () => {
    const table = createTable({ titles: ["NAME"], header: true });
    assert.equal(table.render([]), "");
    assert.equal(table.render([["a"]]), "NAME\na\n");
  });

  it("leaves the titles out where it is told to", () => {
    assert.equal(createTable({ titles: ["A", "B"], header: false }).render([["1", "2"]]), "1     2\n");
  });

  it("shows characters that would move the cursor or break the line", () => {
    const table = createTable({ titles: ["A"], header: false });
    assert.equal(table.render([["\u001b[2Jx\ny\u0085\u007f"]]), "\\u001b[2Jx\\ny\\u0085\\u007f\n");
  });
});
