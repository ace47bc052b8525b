/* Dials back for every stream that the control plane asks for, on a connection apart from the session's. */

import type { Clock } from "#core/clock.ts";
import { AppError, isAppError, messageOf, unreachable } from "#core/errors.ts";
import type { Containers } from "#kernel/containers.ts";
import type { Logger } from "#process/log.ts";
import { AgentService, type OpenStream } from "#proto/podwire/v1/agent.ts";
import type { StreamOutput } from "#proto/podwire/v1/streams.ts";
import { createRpcClient, type RpcClient } from "#rpc/client.ts";
import type { IdentityFile } from "../identity.ts";
import type { PodManager } from "../pods/pod-manager.ts";
import { serveAttach } from "./attach-stream.ts";
import { serveExec } from "./exec-stream.ts";
import { serveForward } from "./forward-stream.ts";
import type { LogReaders } from "./log-readers.ts";
import { serveLogs } from "./log-stream.ts";
import type { ServedStream } from "./served-stream.ts";

export interface StreamServerOptions {
  readonly server: string;
  readonly identity: IdentityFile;
  readonly pods: PodManager;
  readonly containers: Containers;
  readonly readers: LogReaders;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface StreamServer extends Disposable {
  open(request: OpenStream): void;
  /** Its user is gone. */
  close(streamId: string): void;
}

export function createStreamServer(options: StreamServerOptions): StreamServer {
  const served = new Map<string, ServedStream>();
  let client: { readonly credential: string; readonly rpc: RpcClient<typeof AgentService> } | undefined;

  /** One connection for all streams; a new one after the node joined again. */
  const connection = (): RpcClient<typeof AgentService> => {
    const { nodeName = "", credential = "" } = options.identity.load() ?? {};
    if (client?.credential === credential) return client.rpc;
    client?.rpc[Symbol.dispose]();
    const rpc = createRpcClient(AgentService, {
      address: options.server,
      metadata: { "podwire-node": nodeName, authorization: `Bearer ${credential}` },
      keepalive: "quick",
    });
    client = { credential, rpc };
    return rpc;
  };

  return {
    open(request) {
      const { streamId, start } = request;
      const stream = serveStart(start, options);
      served.set(streamId, stream);
      serve(stream, { streamId, rpc: connection(), signal: options.signal })
        .catch((error) => {
          if (!options.signal.aborted) options.log.debug({ reason: messageOf(error), stream: streamId }, "stream ended");
        })
        .finally(() => {
          served.delete(streamId);
          stream.close();
        });
    },
    close(streamId) {
      served.get(streamId)?.close();
    },
    [Symbol.dispose]() {
      client?.rpc[Symbol.dispose]();
    },
  };
}

interface Attachment {
  readonly streamId: string;
  readonly rpc: RpcClient<typeof AgentService>;
  readonly signal: AbortSignal;
}

async function serve(stream: ServedStream, { streamId, rpc, signal }: Attachment): Promise<void> {
  const metadata = { "podwire-stream": streamId };
  for await (const frame of rpc.attach(closingOnError(stream.output), { signal, metadata })) await stream.accept(frame);
}

function serveStart(start: OpenStream["start"], { pods, containers, readers, clock }: StreamServerOptions): ServedStream {
  try {
    switch (start?.$case) {
      case "exec":
        return serveExec({ start: start.value, pods, containers, clock });
      case "logs":
        return serveLogs({ start: start.value, pods, containers, readers, clock });
      case "attach":
        return serveAttach({ start: start.value, pods, containers, readers, clock });
      case "portForward":
        return serveForward({ start: start.value, pods });
      case undefined:
        return refused(
          new AppError("unimplemented", "this node agent is older than its control plane and does not know such a stream"),
        );
      default:
        return unreachable(start);
    }
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): ServedStream {
  async function* output() {
    yield errorFrame(error);
  }
  return { output: output(), accept: async () => {}, close: () => {} };
}

async function* closingOnError(frames: AsyncIterable<StreamOutput>): AsyncGenerator<StreamOutput, void, undefined> {
  try {
    yield* frames;
  } catch (error) {
    yield errorFrame(error);
  }
}

function errorFrame(error: unknown): StreamOutput {
  return { frame: { $case: "error", value: { kind: isAppError(error) ? error.kind : "internal", message: messageOf(error) } } };
}
