/* One connection of a port-forward: from a socket here to a port on the pod's localhost. Each direction ends by itself, and is read no
 * faster than the other side takes it. */

import type { Socket } from "node:net";
import { unreachable } from "#core/errors.ts";
import type { PortForwardRequest } from "#proto/podwire/v1/cluster.ts";
import type { PortForwardStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { Connection } from "../connect.ts";
import { inputFrames } from "./input.ts";
import { streamError } from "./output.ts";

export interface ForwardedConnection {
  readonly socket: Socket;
  readonly start: PortForwardStart;
  readonly connection: Connection;
  readonly signal: AbortSignal;
}

/** Resolves when the connection is over; throws why it could not be made. */
export async function forwardConnection({ socket, start, connection, signal }: ForwardedConnection): Promise<void> {
  const gone = new AbortController();
  const over = new AbortController();
  // A reset says no more than that the user left.
  socket.on("error", () => {});
  socket.once("close", () => gone.abort());
  try {
    const requests = requestsOf(start, socket, over.signal);
    const outputs = connection.client.portForward(requests, { signal: AbortSignal.any([signal, gone.signal]) });
    await writeTo(socket, outputs);
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  } finally {
    over.abort();
    if (!socket.writableEnded) socket.destroy();
    else socket.destroySoon();
  }
}

async function writeTo(socket: Socket, outputs: AsyncIterable<StreamOutput>): Promise<void> {
  for await (const { frame } of outputs) {
    if (frame === undefined) continue;
    switch (frame.$case) {
      case "stdout":
        if (frame.value.length === 0) socket.end();
        else if (!socket.write(frame.value)) await drainedOrClosed(socket);
        break;
      case "stderr":
        break;
      case "exit":
        socket.end();
        return;
      case "error":
        throw streamError(frame.value);
      default:
        return unreachable(frame);
    }
  }
}

function drainedOrClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

async function* requestsOf(
  start: PortForwardStart,
  socket: Socket,
  over: AbortSignal,
): AsyncGenerator<PortForwardRequest, void, undefined> {
  yield { message: { $case: "start", value: start } };
  for await (const value of inputFrames({ stdin: socket, over })) yield { message: { $case: "input", value } };
}
