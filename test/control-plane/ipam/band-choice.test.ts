import assert from "node:assert/strict";
import fc from "fast-check";
import { createRng } from "#core/rng.ts";
import { chooseFromBand } from "../../../control-plane/ipam/band-choice.ts";

const band = { min: 1, max: 100, staticCount: 16 };

describe("the choice from a range", () => {
  it("leaves the static band alone while there is anything else", () => {
    const taken = new Set<number>();
    for (let i = 0; i < 84; i++) {
      const value = chooseFromBand(band, (candidate) => !taken.has(candidate), createRng(i)) ?? assert.fail("a free value");
      assert.ok(value > 16, `${value}`);
      taken.add(value);
    }
    assert.equal(
      chooseFromBand(band, (candidate) => !taken.has(candidate), createRng(1)),
      1,
    );
  });

  it("is free and in the range, or none is", () => {
    const anyBand = fc.record({ max: fc.integer({ min: 1, max: 60 }), staticCount: fc.integer({ min: 0, max: 80 }) });
    fc.assert(
      fc.property(anyBand, fc.array(fc.integer({ min: 1, max: 60 })), fc.integer(), ({ max, staticCount }, list, seed) => {
        const taken = new Set(list);
        const value = chooseFromBand({ min: 1, max, staticCount }, (candidate) => !taken.has(candidate), createRng(seed));
        if (value === undefined) for (let i = 1; i <= max; i++) assert.ok(taken.has(i));
        else assert.ok(value >= 1 && value <= max && !taken.has(value));
      }),
    );
  });
});
