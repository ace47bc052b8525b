import assert from "node:assert/strict";
import { mergeDiff } from "../../cli/merge-diff.ts";

describe("the merge patch between two objects", () => {
  const cases: readonly { why: string; before: object; after: object; want: object | undefined }[] = [
    { why: "is nothing where they are equal", before: { a: { b: [1] } }, after: { a: { b: [1] } }, want: undefined },
    { why: "sets, changes and takes away", before: { a: 1, b: 2 }, after: { b: 3, c: 4 }, want: { a: null, b: 3, c: 4 } },
    { why: "goes into maps", before: { a: { b: 1, c: 1 } }, after: { a: { b: 2, c: 1 } }, want: { a: { b: 2 } } },
    { why: "replaces lists", before: { a: [1, 2] }, after: { a: [2] }, want: { a: [2] } },
    { why: "replaces what has another type", before: { a: { b: 1 } }, after: { a: "x" }, want: { a: "x" } },
  ];
  for (const { why, before, after, want } of cases) {
    it(why, () => assert.deepEqual(mergeDiff(before as never, after as never), want));
  }
});
