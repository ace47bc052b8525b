/* What SQLite's result codes mean for a store (https://www.sqlite.org/rescode.html). */

import { AppError, messageOf } from "#core/errors.ts";

const busy = 5;
const outOfMemory = 7;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;
const writeFailed = 10 | (3 << 8);

/** Of a write: "exhausted" where nothing was kept and a later one may work, "internal" where nobody can tell. */
export function writeError(error: unknown, path: string): AppError {
  const why = messageOf(error);
  switch (resultCode(error)) {
    case full:
      return new AppError("exhausted", `${path}: ${why}; free some space, then try again`, { cause: error });
    case writeFailed:
    case outOfMemory:
      return new AppError("exhausted", `${path}: ${why}; nothing was written, try again`, { cause: error });
    default:
      return new AppError("internal", `${path}: ${why}`, { cause: error });
  }
}

/** Of opening and reading a file. */
export function openError(error: unknown, path: string): AppError {
  if (error instanceof AppError) return error;
  switch ((resultCode(error) ?? 0) & 0xff) {
    case busy: {
      const message = `${path} is in use by another control plane: stop that one first, or choose another file`;
      return new AppError("failed-precondition", message, { cause: error });
    }
    case notADatabase:
      return new AppError("failed-precondition", `${path} is not a Podwire store: choose another file`, { cause: error });
    case corrupt: {
      const message = `${path} is damaged: restore it from a copy, or move it away to start with an empty store`;
      return new AppError("failed-precondition", message, { cause: error });
    }
    case cannotOpen:
      return new AppError("failed-precondition", `${path} cannot be opened: check its permissions`, { cause: error });
    default:
      return new AppError("failed-precondition", `${path} cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

/** SQLite's extended result code. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
}
