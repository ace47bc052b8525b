import assert from "node:assert/strict";
import { createTokenBucket } from "#core/token-bucket.ts";

describe("a token bucket", () => {
  it("lets a burst through, then one for each refill, and never holds more than a burst", () => {
    const bucket = createTokenBucket({ burst: 2, refillMs: 100 });
    const taken = (nowMs: number) => bucket.take(nowMs);
    assert.deepEqual([taken(0), taken(0), taken(0)], [true, true, false]);
    assert.equal(taken(99), false);
    assert.equal(taken(100), true);
    assert.equal(taken(100), false);
    assert.deepEqual([taken(10_000), taken(10_000), taken(10_000)], [true, true, false]);
  });
});
