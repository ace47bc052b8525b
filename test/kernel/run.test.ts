import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import { RunError, run } from "#kernel/run.ts";

const { signal } = new AbortController();

describe("run", () => {
  it("answers what a program prints, fed with input", async () => {
    const answer = await run(["unshare", "--", "tr", "a-z", "A-Z"], { input: "hello\n", signal });
    assert.equal(answer, "HELLO\n");
  });

  it("throws with arguments, exit code and standard error where a program fails", async () => {
    const failing = run(["unshare", "--", "sh", "-c", "echo out; echo why >&2; exit 3"], { signal });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof RunError);
      assert.deepEqual([error.kind, error.exitCode, error.stderr], ["internal", 3, "why\n"]);
      assert.match(error.message, /^unshare -- sh .*: why$/);
      return true;
    });
  });

  it("names the package of a program that is missing", async () => {
    const { PATH } = process.env;
    process.env.PATH = "/nowhere";
    try {
      await assert.rejects(run(["nft", "list", "tables"], { signal }), (error) => {
        assert.ok(isAppError(error, "failed-precondition"));
        assert.match(error.message, /"nft" is missing: install the package nftables/);
        return true;
      });
    } finally {
      process.env.PATH = PATH;
    }
  });

  it("ends the program and throws the reason when the signal aborts", async () => {
    const controller = new AbortController();
    const reason = new Error("stopped");
    const running = run(["unshare", "--", "sleep", "1000"], { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(running, reason);
    await assert.rejects(run(["unshare", "--", "true"], { signal: controller.signal }), reason);
  });

  it("judges a program that doesn't read its input by its exit code", async () => {
    assert.equal(await run(["unshare", "--", "true"], { input: "x".repeat(1024 * 1024), signal }), "");
  });
});
