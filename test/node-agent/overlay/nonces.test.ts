import assert from "node:assert/strict";
import { createNonceMemory } from "../../../node-agent/overlay/nonces.ts";

describe("the memory of nonces", () => {
  it("takes each nonce once", () => {
    const memory = createNonceMemory(10);
    assert.equal(memory.use("a", { nowMs: 0, untilMs: 100 }), "fresh");
    assert.equal(memory.use("a", { nowMs: 50, untilMs: 150 }), "replayed");
    assert.equal(memory.use("b", { nowMs: 50, untilMs: 150 }), "fresh");
  });

  it("refuses when it is full and goes on when the oldest has expired", () => {
    const memory = createNonceMemory(2);
    memory.use("a", { nowMs: 0, untilMs: 100 });
    memory.use("b", { nowMs: 10, untilMs: 110 });
    assert.equal(memory.use("c", { nowMs: 99, untilMs: 199 }), "full");
    assert.equal(memory.use("b", { nowMs: 99, untilMs: 199 }), "replayed");
    assert.equal(memory.use("c", { nowMs: 100, untilMs: 200 }), "fresh");
    assert.equal(memory.use("d", { nowMs: 105, untilMs: 205 }), "full");
  });
});
