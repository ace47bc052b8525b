/* What a failed run prints, and the exit code that it ends with; kubectl's forms. */

import { AppError, type ErrorKind, messageOf } from "#core/errors.ts";
import { BrokenPipe } from "./printer.ts";
import { UsageError } from "./usage-error.ts";

export interface Failure {
  /** With its line end; empty for an end that needs no word. */
  readonly text: string;
  readonly exitCode: number;
}

/** An error whose lines were printed already, or that has none. */
export class ExitWith extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.name = "ExitWith";
    this.exitCode = exitCode;
  }
}

/** `verb` is undefined where the command line named none. */
export function describeFailure(error: unknown, verb: string | undefined): Failure {
  if (error instanceof ExitWith) return { text: "", exitCode: error.exitCode };
  // As a shell reports a program that SIGPIPE ended.
  if (error instanceof BrokenPipe) return { text: "", exitCode: 141 };
  if (error instanceof UsageError) {
    const hint = error.inFlags ? `\nSee 'podwire${verb === undefined ? "" : ` ${verb}`} --help' for usage.` : "";
    return { text: `error: ${error.message}${hint}\n`, exitCode: 1 };
  }
  if (error instanceof AppError) return { text: `${serverError(error)}\n`, exitCode: 1 };
  const stack = error instanceof Error ? error.stack : undefined;
  return { text: `error: this is a bug in podwire: ${stack ?? messageOf(error)}\n`, exitCode: 1 };
}

/** One line or more, as kubectl prints an error that the API server answered. */
export function serverError(error: AppError): string {
  if (!isRemote(error)) return `error: ${error.message}`;
  const reason = error.reason ?? reasons[error.kind];
  // The server's message names the objects itself: `Pod "x" is invalid: …`, behind the file where there is one.
  if (reason === "Invalid") return error.message.replace(/^(?=[A-Z]\w* "[^"]*" is invalid: )/gm, "The ");
  if (reason === "Unauthorized")
    return `error: You must be logged in to the server (${error.message}): name the token with --token-file FILE`;
  return `Error from server (${reason}): ${error.message}`;
}

const reasons = {
  invalid: "BadRequest",
  "not-found": "NotFound",
  "already-exists": "AlreadyExists",
  conflict: "Conflict",
  exhausted: "TooManyRequests",
  unauthenticated: "Unauthorized",
  forbidden: "Forbidden",
  "failed-precondition": "Conflict",
  "too-old": "Expired",
  unavailable: "ServiceUnavailable",
  timeout: "Timeout",
  cancelled: "Cancelled",
  unimplemented: "NotImplemented",
  internal: "InternalError",
} as const satisfies Record<ErrorKind, string>;

/** Whether a server sent it: the gRPC error is the cause then. */
export function isRemote(error: AppError): boolean {
  return error.cause instanceof Error && "code" in error.cause && "metadata" in error.cause;
}
