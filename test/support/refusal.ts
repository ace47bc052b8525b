import assert from "node:assert/strict";
import { AppError } from "#core/errors.ts";

/** What the call was refused with; fails where it was not. */
export async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  assert.ok(error instanceof AppError, `refused with an AppError, not ${error}`);
  return error;
}
