import assert from "node:assert/strict";
import { mapLimited } from "#core/map-limited.ts";

describe("mapLimited", () => {
  it("answers in the order of the items, with no more at work than it may", async () => {
    let working = 0;
    let most = 0;
    const done = await mapLimited([3, 1, 4, 1, 5, 9, 2, 6], 3, async (item) => {
      most = Math.max(most, ++working);
      for (let turn = 0; turn < item; turn++) await Promise.resolve();
      working -= 1;
      return item * 10;
    });
    assert.deepEqual(done, [30, 10, 40, 10, 50, 90, 20, 60]);
    assert.equal(most, 3);
  });

  it("begins nothing after a failure, and throws it when the rest has ended", async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const failing = mapLimited([1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      if (item === 1) throw new Error("one");
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      ended.push(item);
    });
    await assert.rejects(failing, /^Error: one$/);
    assert.deepEqual({ begun, ended }, { begun: [1, 2], ended: [2] });
  });

  it("has nothing to do for nothing", async () => {
    assert.deepEqual(await mapLimited([], 4, () => assert.fail("called")), []);
  });
});
