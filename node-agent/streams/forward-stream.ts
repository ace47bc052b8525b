/* Serves one connection to a port on a pod's localhost. An empty `stdout` frame says that the pod's side has written its last. */

import type { Socket } from "node:net";
import { AppError, invalid, messageOf } from "#core/errors.ts";
import { connectInNetns } from "#kernel/netns-socket.ts";
import type { PortForwardStart, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import { drainedOrClosed, slices } from "./bytes.ts";
import type { ServedStream } from "./served-stream.ts";

const connectTimeoutMs = 10_000;

export interface ForwardOptions {
  readonly start: PortForwardStart;
  readonly pods: PodManager;
}

export function serveForward({ start, pods }: ForwardOptions): ServedStream {
  if (start.port < 1 || start.port > 65_535) throw invalid(`port ${start.port} is no port: want 1 to 65535`);
  const { netns } = pods.find(start.namespace, start.pod, "");
  const closed = new AbortController();
  const connecting = connectLocalhost(netns, start, AbortSignal.any([closed.signal, AbortSignal.timeout(connectTimeoutMs)]));
  // Whoever writes before it is there waits, and learns of a failure from the output.
  const connected = connecting.catch(() => undefined);
  return {
    output: outputOf(connecting),
    async accept({ frame }) {
      const socket = await connected;
      if (socket === undefined || socket.destroyed) return;
      if (frame?.$case === "stdin" && !socket.write(frame.value)) await drainedOrClosed(socket);
      if (frame?.$case === "stdinEnd") socket.end();
    },
    close() {
      closed.abort();
      void connected.then((socket) => socket?.destroy());
    },
  };
}

async function* outputOf(connecting: Promise<Socket>): AsyncGenerator<StreamOutput, void, undefined> {
  const socket = await connecting;
  // A reset ends the connection, and that is all there is to say.
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  try {
    for await (const chunk of readable(socket)) {
      for (const value of slices(chunk)) yield { frame: { $case: "stdout", value } };
    }
    if (!socket.destroyed) yield { frame: { $case: "stdout", value: Buffer.alloc(0) } };
    await closed;
    yield { frame: { $case: "exit", value: { code: 0 } } };
  } finally {
    socket.destroy();
  }
}

/** Until the other side's last byte; the socket stays open for what goes there. */
async function* readable(socket: Socket): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* socket.iterator({ destroyOnReturn: false });
  } catch {
    socket.destroy();
  }
}

async function connectLocalhost(
  netns: string | undefined,
  { pod, port }: PortForwardStart,
  signal: AbortSignal,
): Promise<Socket> {
  const reasons: string[] = [];
  for (const [family, host] of [
    [4, "127.0.0.1"],
    [6, "::1"],
  ] as const) {
    try {
      return await connectInNetns({ netns, host, family, port }, signal);
    } catch (error) {
      reasons.push(`IPv${family}: ${messageOf(error)}`);
    }
  }
  throw new AppError(
    "unavailable",
    `error forwarding port ${port} to pod ${pod}: failed to connect to localhost:${port} inside the pod: ${reasons.join(", ")}`,
  );
}
