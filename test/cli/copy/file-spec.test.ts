import assert from "node:assert/strict";
import { parseFileSpec } from "../../../cli/copy/file-spec.ts";

describe("what cp copies", () => {
  const specs: readonly (readonly [word: string, want: object])[] = [
    ["file", { where: "here", path: "file" }],
    ["/a:b", { where: "here", path: "/a:b" }],
    ["./a:b", { where: "here", path: "./a:b" }],
    ["web:/tmp/x", { where: "pod", namespace: undefined, pod: "web", path: "/tmp/x" }],
    ["web:x:y", { where: "pod", namespace: undefined, pod: "web", path: "x:y" }],
    ["shop/db:/tmp", { where: "pod", namespace: "shop", pod: "db", path: "/tmp" }],
  ];
  for (const [word, want] of specs) it(`is read from ${word}`, () => assert.deepEqual(parseFileSpec(word), want));

  for (const word of [":/tmp", "a/b/c:/tmp", ":x", "web:", "", "shop/:/tmp"]) {
    it(`is not ${JSON.stringify(word)}`, () => assert.throws(() => parseFileSpec(word), /filespec must match|can not be empty/));
  }
});
