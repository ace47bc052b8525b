import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import { createTermination, eitherOf } from "../../../node-agent/pods/termination.ts";

const never = new AbortController().signal;

function begin() {
  const clock = createManualClock();
  const termination = createTermination(clock, never);
  const told = () => [termination.asked.aborted, termination.due.aborted, termination.forced.aborted];
  return { clock, termination, told };
}

describe("the end of something with a grace period", () => {
  it("is asked for at once and due when the time is over", async () => {
    const { clock, termination, told } = begin();
    assert.deepEqual(told(), [false, false, false]);
    termination.end(30_000);
    await clock.advance(29_999);
    assert.deepEqual(told(), [true, false, false]);
    await clock.advance(1);
    assert.deepEqual(told(), [true, true, false]);
  });

  it("is forced where there is no grace, also after it was asked for", async () => {
    const { clock, termination, told } = begin();
    termination.end(30_000);
    termination.end(0);
    await clock.advance(0);
    assert.deepEqual(told(), [true, true, true]);
  });

  it("comes at the shortest time that was asked for", async () => {
    const { clock, termination, told } = begin();
    termination.end(5_000);
    termination.end(30_000);
    await clock.advance(5_000);
    assert.deepEqual(told(), [true, true, false]);
  });

  it("comes with the first of two", async () => {
    const one = begin();
    const other = begin();
    const both = eitherOf(one.termination, other.termination);
    other.termination.end(1_000);
    assert.deepEqual([both.asked.aborted, both.due.aborted], [true, false]);
    await other.clock.advance(1_000);
    assert.equal(both.due.aborted, true);
  });
});
