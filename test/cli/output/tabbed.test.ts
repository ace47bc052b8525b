import assert from "node:assert/strict";
import { alignTabs } from "../../../cli/output/tabbed.ts";

describe("aligning cells that end in a tab", () => {
  it("makes neighbours equally wide", () => assert.equal(alignTabs(["a:\t1", "long:\t2"]), "a:     1\nlong:  2\n"));

  it("starts anew after a line that lacks the column", () => {
    assert.equal(alignTabs(["a:\t1", "Title:", "longer:\t2"]), "a:  1\nTitle:\nlonger:  2\n");
  });

  it("aligns later columns only among the lines that have them", () => {
    assert.equal(alignTabs(["a\tb\tc", "aaaa\tbbbb\tc", "x\ty"]), "a     b     c\naaaa  bbbb  c\nx     y\n");
  });

  it("leaves no blanks at the ends of lines", () => assert.equal(alignTabs(["a:\t", "bb:\t1"]), "a:\nbb:  1\n"));

  it("takes no lines at all", () => assert.equal(alignTabs([]), ""));
});
