import assert from "node:assert/strict";
import fc from "fast-check";
import { createRng } from "#core/rng.ts";

const take = (seed: number, count: number) => {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => rng.next());
};

describe("a seeded generator", () => {
  it("repeats itself for the same seed, and only for it", () => {
    assert.deepEqual(take(42, 100), take(42, 100));
    assert.notDeepEqual(take(42, 4), take(43, 4));
  });

  it("gives the numbers that it always gave, so that old seeds replay", () => {
    assert.deepEqual(
      take(1, 3).map((value) => value * 2 ** 32),
      [2693262067, 11749833, 2265367787],
    );
  });

  it("stays within [0, 1)", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (const value of take(seed, 50)) assert.ok(value >= 0 && value < 1);
      }),
    );
  });

  it("is even enough: each tenth gets its share", () => {
    const counts = new Array<number>(10).fill(0);
    for (const value of take(7, 100_000)) counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1;
    for (const count of counts) assert.ok(count > 9_500 && count < 10_500, String(counts));
  });
});
