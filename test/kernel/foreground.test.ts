import assert from "node:assert/strict";
import { runInForeground } from "#kernel/foreground.ts";

describe("a program in the foreground", () => {
  it("is waited for, and its exit code is answered", async () => {
    const signal = AbortSignal.timeout(10_000);
    assert.equal(await runInForeground([process.execPath, "-e", "process.exit(3)"], signal), 3);
    assert.equal(await runInForeground([process.execPath, "-e", "0"], signal), 0);
    await assert.rejects(runInForeground(["/nonexistent"], signal), /ENOENT/);
  });
});
