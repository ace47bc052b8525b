import assert from "node:assert/strict";
import { createRecent } from "#core/recent.ts";

describe("a bounded memory", () => {
  it("forgets what was not used for longest", () => {
    const recent = createRecent<number>(2);
    recent.set("a", 1);
    recent.set("b", 2);
    assert.equal(recent.get("a"), 1);
    recent.set("c", 3);
    assert.equal(recent.get("b"), undefined);
    assert.deepEqual([recent.get("a"), recent.get("c")], [1, 3]);
  });
});
