/* The one place where an error's kind meets gRPC's status codes (https://grpc.io/docs/guides/status-codes/).
 * Kind, Kubernetes' reason and the field's path travel in trailing metadata, so that the other side gets the same AppError. */

import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { AppError, type ErrorKind, errorKinds } from "#core/errors.ts";

const codes = {
  invalid: status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  "already-exists": status.ALREADY_EXISTS,
  conflict: status.ABORTED,
  exhausted: status.RESOURCE_EXHAUSTED,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  "failed-precondition": status.FAILED_PRECONDITION,
  "too-old": status.OUT_OF_RANGE,
  unavailable: status.UNAVAILABLE,
  timeout: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  unimplemented: status.UNIMPLEMENTED,
  internal: status.INTERNAL,
} as const satisfies Record<ErrorKind, status>;

const kinds = new Map<status, ErrorKind>(errorKinds.map((kind) => [codes[kind], kind]));

/** What a server answers. The text of an error that we did not expect stays here: `unexpected` gets it for the log. */
export function toStatus(error: unknown, unexpected: (error: unknown) => void): Partial<StatusObject> {
  const metadata = new Metadata();
  if (error instanceof AppError) {
    if (error.reason !== undefined) metadata.set("podwire-reason", error.reason);
    if (error.field !== undefined) metadata.set("podwire-field", error.field);
    return { code: codes[error.kind], details: error.message, metadata };
  }
  if (isAbort(error)) return { code: status.CANCELLED, details: "the call was cancelled", metadata };
  unexpected(error);
  return { code: status.INTERNAL, details: "internal error; the control plane's log has it", metadata };
}

/** What a client throws. */
export function fromStatus(error: ServiceError): AppError {
  const reason = error.metadata?.get("podwire-reason")[0]?.toString();
  const field = error.metadata?.get("podwire-field")[0]?.toString();
  return new AppError(kinds.get(error.code) ?? "internal", error.details || error.message, {
    ...(reason === undefined ? {} : { reason }),
    ...(field === undefined ? {} : { field }),
    cause: error,
  });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
