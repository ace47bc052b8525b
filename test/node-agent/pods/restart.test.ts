import assert from "node:assert/strict";
import { type RestartPolicy, restartDelayMs, shouldRestart } from "../../../node-agent/pods/restart.ts";

describe("a container that ended", () => {
  const cases: readonly (readonly [RestartPolicy, number, boolean])[] = [
    ["Always", 0, true],
    ["Always", 1, true],
    ["OnFailure", 0, false],
    ["OnFailure", 1, true],
    ["OnFailure", 137, true],
    ["Never", 0, false],
    ["Never", 1, false],
  ];
  for (const [policy, code, want] of cases) {
    it(`${want ? "runs again" : "stays ended"} after exit code ${code} under ${policy}`, () => {
      assert.equal(shouldRestart(policy, code), want);
    });
  }

  it("runs again at once, then after 10 s, 20 s … and never more than 300 s", () => {
    const delays = Array.from({ length: 9 }, (_, crashes) => restartDelayMs(crashes) / 1_000);
    assert.deepEqual(delays, [0, 0, 10, 20, 40, 80, 160, 300, 300]);
    assert.equal(restartDelayMs(1_000_000), 300_000);
  });
});
