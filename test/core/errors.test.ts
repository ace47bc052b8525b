import assert from "node:assert/strict";
import { AppError, assert as ensure, invalid, isAppError, messageOf, unreachable } from "#core/errors.ts";

describe("errors", () => {
  it("carry kind, reason, field and cause", () => {
    const cause = new Error("below");
    const error = new AppError("not-found", 'pods "web" not found', { reason: "NotFound", field: "metadata.name", cause });
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.name, error.kind, error.message, error.reason, error.field, error.cause],
      ["AppError", "not-found", 'pods "web" not found', "NotFound", "metadata.name", cause],
    );
    assert.ok(!("cause" in invalid("no cause")));
  });

  it("are told apart by kind", () => {
    const error = invalid("wrong");
    assert.ok(isAppError(error));
    assert.ok(isAppError(error, "conflict", "invalid"));
    assert.ok(!isAppError(error, "conflict"));
    assert.ok(!isAppError(new Error("wrong"), "invalid"));
    assert.ok(!isAppError(undefined));
  });

  it("have a message for people, whatever was thrown", () => {
    assert.equal(messageOf(invalid("wrong")), "wrong");
    assert.equal(messageOf("text"), "text");
    assert.equal(messageOf(undefined), "undefined");
  });

  it("of ours are assertions, not AppErrors", () => {
    ensure(true, "fine");
    assert.throws(
      () => ensure(false, "prefix 33"),
      (error) => error instanceof Error && !isAppError(error) && error.message === "assertion failed: prefix 33",
    );
    assert.throws(() => unreachable("seventh case" as never), /unreachable: "seventh case"/);
  });
});
