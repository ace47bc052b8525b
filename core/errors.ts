/* Errors that the world causes: bad input, a conflict, a full range. Each is one of a few kinds; `rpc/status.ts` maps
 * a kind to a gRPC status, the CLI to an exit code. A mistake of ours is an assertion instead. */

export const errorKinds = [
  "invalid", // the input is wrong; the message says what to change
  "not-found",
  "already-exists",
  "conflict", // somebody else wrote first: read again, then retry
  "exhausted", // a range, a queue or a limit is full
  "unauthenticated",
  "forbidden",
  "failed-precondition", // right input, wrong moment
  "too-old", // that revision was compacted away: list again
  "unavailable", // the other side is away; retrying may help
  "timeout",
  "cancelled",
  "unimplemented",
  "internal",
] as const;

export type ErrorKind = (typeof errorKinds)[number];

export interface ErrorDetails {
  /** Kubernetes' reason, where it has one: "NotFound", "Conflict", "Invalid"… */
  readonly reason?: string;
  /** The path of the field that is wrong: `spec.containers[0].name`. */
  readonly field?: string;
  readonly cause?: unknown;
}

export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly reason: string | undefined;
  readonly field: string | undefined;

  constructor(kind: ErrorKind, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "AppError";
    this.kind = kind;
    this.reason = details.reason;
    this.field = details.field;
  }
}

export function invalid(message: string, details?: ErrorDetails): AppError {
  return new AppError("invalid", message, details);
}

/** Whether `error` is an AppError of one of `kinds`; of any kind where none is named. */
export function isAppError(error: unknown, ...kinds: readonly ErrorKind[]): error is AppError {
  return error instanceof AppError && (kinds.length === 0 || kinds.includes(error.kind));
}

/** What a person reads of `error`, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Throws on a programmer's mistake; the world's are AppErrors. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
