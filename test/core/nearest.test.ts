import assert from "node:assert/strict";
import fc from "fast-check";
import { editDistance, nearest } from "#core/nearest.ts";

describe("the nearest word", () => {
  const verbs = ["get", "describe", "delete", "apply", "logs", "version", "verify"];
  const cases: { word: string; want: string | undefined }[] = [
    { word: "gte", want: "get" },
    { word: "aply", want: "apply" },
    { word: "desribe", want: "describe" },
    { word: "DELETE", want: "delete" },
    { word: "log", want: "logs" },
    { word: "verfy", want: "verify" },
    { word: "versoin", want: "version" },
    { word: "frobnicate", want: undefined },
    { word: "xyz", want: undefined },
    { word: "", want: undefined },
    { word: "x".repeat(10_000), want: undefined },
  ];
  for (const { word, want } of cases) {
    it(`to "${word.slice(0, 20)}" is ${want ?? "none"}`, () => assert.equal(nearest(word, verbs), want));
  }

  const distances: [string, string, number][] = [
    ["", "", 0],
    ["", "abc", 3],
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["kitten", "sitting", 3],
    ["ca", "abc", 3],
  ];
  for (const [a, b, want] of distances) it(`"${a}" is ${want} from "${b}"`, () => assert.equal(editDistance(a, b), want));

  it("is as far from one as the other is from it, and one edit away is 1", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });
    fc.assert(
      fc.property(text, text, fc.nat(6), (a, b, place) => {
        assert.equal(editDistance(a, b), editDistance(b, a));
        assert.equal(editDistance(a, b) === 0, a === b);
        assert.equal(editDistance(a, `${a.slice(0, place)}x${a.slice(place)}`), 1);
      }),
    );
  });
});
