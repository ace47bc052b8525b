/* The server half of the wrapper around grpc-js: a handler is an async function or an async generator that gets a signal.
 *
 * What grpc-js does that shapes this file (1.14.7): a stream that nobody reads has no back-pressure, so reading starts in the
 * tick in which the call opens; `call.destroy(error)` sends no status, `emit("error")` does; a cancelled call looks like a
 * half-close first, so the end of the requests says nothing and only `context.signal` tells that the caller went. */

import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AppError } from "#core/errors.ts";
import { serverChannelOptions } from "./channel-options.ts";
import { drained } from "./drained.ts";
import type { CallMetadata, MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./service.ts";
import { toStatus } from "./status.ts";

export interface CallContext {
  /** Aborts when the caller cancels or goes away, and when the call is over. */
  readonly signal: AbortSignal;
  readonly metadata: CallMetadata;
}

type Handler<M extends MethodDefinition> = M["requestStream"] extends true
  ? (requests: AsyncIterable<RequestOf<M>>, context: CallContext) => AsyncIterable<ResponseOf<M>>
  : M["responseStream"] extends true
    ? (request: RequestOf<M>, context: CallContext) => AsyncIterable<ResponseOf<M>>
    : (request: RequestOf<M>, context: CallContext) => Promise<ResponseOf<M>>;

export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]: Handler<S[K]> };

export interface ServerOptions {
  /** Runs before each call; throws an AppError to refuse it. */
  readonly authorize: (path: string, metadata: CallMetadata) => void | Promise<void>;
  /** Gets errors that are ours and not the caller's. */
  readonly onUnexpectedError: (error: unknown, path: string) => void;
}

export interface RpcServer extends AsyncDisposable {
  add<S extends ServiceDefinition>(definition: S, handlers: Handlers<S>): void;
  /** `HOST:PORT` or `unix:PATH`; answers the port (0 for a Unix socket). */
  listen(address: string): Promise<number>;
}

export function createRpcServer(options: ServerOptions): RpcServer {
  const server = new Server(serverChannelOptions);
  return {
    add(definition, handlers) {
      const implementation: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(definition)) {
        const handler = handlers[name] as Handler<MethodDefinition>;
        implementation[name] = adapt(method, handler, options);
      }
      server.addService(definition, implementation);
    },
    listen(address) {
      return new Promise((resolve, reject) => {
        server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
          if (error === null) resolve(port);
          else reject(new AppError("failed-precondition", `cannot listen on ${address}: ${error.message}`, { cause: error }));
        });
      });
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

type AnyStream = ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>;

function adapt(method: MethodDefinition, handler: Handler<MethodDefinition>, options: ServerOptions): UntypedHandleCall {
  if (!method.responseStream) {
    return (call: ServerUnaryCall<unknown, unknown>, answer: sendUnaryData<unknown>) => {
      serveUnary(method, handler as never, options, call, answer);
    };
  }
  return (call: AnyStream) => {
    void serveStream(method, handler as never, options, call);
  };
}

async function serveUnary(
  method: MethodDefinition,
  handler: (request: unknown, context: CallContext) => Promise<unknown>,
  options: ServerOptions,
  call: ServerUnaryCall<unknown, unknown>,
  answer: sendUnaryData<unknown>,
): Promise<void> {
  const { context, abort } = openContext(call);
  try {
    await options.authorize(method.path, context.metadata);
    answer(null, await handler(call.request, context));
  } catch (error) {
    answer(toStatus(error, (unexpected) => options.onUnexpectedError(unexpected, method.path)));
  } finally {
    abort();
  }
}

async function serveStream(
  method: MethodDefinition,
  handler: (input: unknown, context: CallContext) => AsyncIterable<unknown>,
  options: ServerOptions,
  call: AnyStream,
): Promise<void> {
  const { context, abort } = openContext(call);
  const input = "request" in call ? call.request : readNow(call, context.signal);
  try {
    await options.authorize(method.path, context.metadata);
    for await (const message of handler(input, context)) {
      if (context.signal.aborted) break;
      if (!call.write(message)) await drained(call, context.signal);
    }
    call.end();
  } catch (error) {
    const refused = toStatus(error, (unexpected) => options.onUnexpectedError(unexpected, method.path));
    call.emit("error", refused);
  } finally {
    abort();
  }
}

function openContext(call: NodeJS.EventEmitter & { readonly metadata: Metadata }) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  call.on("cancelled", abort);
  call.on("close", abort);
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(call.metadata.getMap())) metadata[name] = value.toString();
  const context: CallContext = { signal: controller.signal, metadata };
  return { context, abort };
}

/** Starts to read at once, and ends without an error when the caller goes. */
function readNow(call: ServerDuplexStream<unknown, unknown>, signal: AbortSignal): AsyncIterable<unknown> {
  const iterator = call[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<unknown>> | undefined = iterator.next();
  first.catch(() => {});
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const pending = first ?? iterator.next();
        first = undefined;
        try {
          return await pending;
        } catch (error) {
          if (signal.aborted) return { done: true, value: undefined };
          throw error;
        }
      },
      // The stream stays open: handlers answer after they stopped reading.
      async return() {
        return { done: true, value: undefined };
      },
    }),
  };
}
