import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs } from "#core/backoff.ts";
import { createRng } from "#core/rng.ts";

const options = { firstMs: 100, maxMs: 1_000 };

describe("back-off", () => {
  const ceilings = [100, 200, 400, 800, 1_000, 1_000];
  for (const [attempt, ceiling] of ceilings.entries()) {
    it(`waits between ${ceiling / 2} and ${ceiling} ms before retry ${attempt}`, () => {
      assert.equal(backoffMs(attempt, options, { next: () => 0 }), ceiling / 2);
      const most = backoffMs(attempt, options, { next: () => 0.999999 });
      assert.ok(most < ceiling && most > ceiling * 0.99);
    });
  }

  it("stays within its bounds, however often it failed", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer(), (attempt, seed) => {
        const ms = backoffMs(attempt, options, createRng(seed));
        assert.ok(ms >= options.firstMs / 2 && ms < options.maxMs);
      }),
    );
  });
});
