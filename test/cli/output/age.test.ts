import assert from "node:assert/strict";
import { ageOf, formatAge } from "../../../cli/output/age.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("an age", () => {
  const cases: readonly (readonly [ms: number, want: string])[] = [
    [-3 * second, "<invalid>"],
    [-second, "0s"],
    [0, "0s"],
    [999, "0s"],
    [second, "1s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [2 * minute + 3 * second, "2m3s"],
    [9 * minute + 59 * second, "9m59s"],
    [10 * minute + 30 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 7 * minute, "3h7m"],
    [8 * hour + 7 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [4 * day + 2 * hour, "4d2h"],
    [8 * day + 2 * hour, "8d"],
    [729 * day, "729d"],
    [730 * day, "2y"],
    [3 * 365 * day + 40 * day, "3y40d"],
    [9 * 365 * day + 40 * day, "9y"],
  ];
  for (const [ms, want] of cases) it(`of ${ms} ms is ${want}`, () => assert.equal(formatAge(ms), want));

  it("of a time that is missing or no time is unknown", () => {
    assert.equal(ageOf(undefined, 0), "<unknown>");
    assert.equal(ageOf("soon", 0), "<unknown>");
    assert.equal(ageOf("1970-01-01T00:00:10Z", 15_000), "5s");
  });
});
