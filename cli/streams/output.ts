/* What comes from a stream to a pod, written to our own standard streams. */

import { AppError, type ErrorKind, unreachable } from "#core/errors.ts";
import type { StreamError, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { Printer } from "../printer.ts";

/** Answers the exit code. */
export async function printOutput(outputs: AsyncIterable<StreamOutput>, printer: Printer): Promise<number> {
  for await (const { frame } of outputs) {
    if (frame === undefined) continue;
    switch (frame.$case) {
      case "stdout":
        await printer.print(frame.value);
        break;
      case "stderr":
        await printer.printError(frame.value);
        break;
      case "exit":
        return frame.value.code;
      case "error":
        throw streamError(frame.value);
      default:
        return unreachable(frame);
    }
  }
  throw new AppError("unavailable", "the stream ended before the command did: its exit code is unknown");
}

export function streamError({ kind, message }: StreamError): AppError {
  return new AppError(kind as ErrorKind, message);
}
