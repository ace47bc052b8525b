import assert from "node:assert/strict";
import { parseDuration } from "../../cli/duration.ts";

describe("a duration", () => {
  const cases: readonly (readonly [text: string, ms: number | undefined])[] = [
    ["0", 0],
    ["30s", 30_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["-1s", -1_000],
    ["+1s", 1_000],
    ["1h2m3s4ms", 3_723_004],
    ["30", undefined],
    ["", undefined],
    ["s", undefined],
    ["1d", undefined],
    ["1s ", undefined],
    ["1..5s", undefined],
    ["soon", undefined],
  ];
  for (const [text, ms] of cases) it(`${JSON.stringify(text)} is ${ms} ms`, () => assert.equal(parseDuration(text), ms));
});
