/* The client half of the wrapper around grpc-js: a call is a promise or an async iterable, ends with its signal, and throws the
 * AppError that the server threw. */

import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { AppError } from "#core/errors.ts";
import { clientChannelOptions, type Keepalive } from "./channel-options.ts";
import { drained } from "./drained.ts";
import type { CallMetadata, MethodDefinition, RequestOf, ResponseOf, ServiceDefinition } from "./service.ts";
import { fromStatus } from "./status.ts";

export interface CallOptions {
  readonly signal: AbortSignal;
  /** Unary calls only; 10 s where it is absent. */
  readonly timeoutMs?: number;
  readonly metadata?: CallMetadata;
}

type Method<M extends MethodDefinition> = M["requestStream"] extends true
  ? (requests: AsyncIterable<RequestOf<M>>, options: CallOptions) => AsyncGenerator<ResponseOf<M>, void, undefined>
  : M["responseStream"] extends true
    ? (request: RequestOf<M>, options: CallOptions) => AsyncGenerator<ResponseOf<M>, void, undefined>
    : (request: RequestOf<M>, options: CallOptions) => Promise<ResponseOf<M>>;

export type RpcClient<S extends ServiceDefinition> = { readonly [K in keyof S]: Method<S[K]> } & Disposable;

export interface ConnectOptions {
  /** `HOST:PORT` or `unix:PATH`. */
  readonly address: string;
  /** Sent with every call. */
  readonly metadata?: CallMetadata;
  /** "patient" where it is absent. */
  readonly keepalive?: Keepalive;
}

const unaryTimeoutMs = 10_000;

/** Connects lazily, with a connection of its own, and again by itself. */
export function createRpcClient<S extends ServiceDefinition>(
  definition: S,
  { address, metadata = {}, keepalive = "patient" }: ConnectOptions,
): RpcClient<S> {
  const client = new Client(address, credentials.createInsecure(), clientChannelOptions(keepalive));
  const methods = Object.entries(definition).map(([name, method]) => [name, bind(client, method, metadata)]);
  return { ...Object.fromEntries(methods), [Symbol.dispose]: () => client.close() } as RpcClient<S>;
}

function bind(client: Client, method: MethodDefinition, common: CallMetadata) {
  if (!method.requestStream && !method.responseStream) {
    return (request: unknown, options: CallOptions) => callUnary(client, method, common, request, options);
  }
  if (!method.requestStream) {
    return (request: unknown, options: CallOptions) => readStream(client, method, common, request, options);
  }
  return (requests: AsyncIterable<unknown>, options: CallOptions) => callBidi(client, method, common, requests, options);
}

function callUnary(client: Client, method: MethodDefinition, common: CallMetadata, request: unknown, options: CallOptions) {
  return new Promise<unknown>((resolve, reject) => {
    if (options.signal.aborted) return reject(options.signal.reason);
    const call = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadataOf(common, options.metadata),
      { deadline: Date.now() + (options.timeoutMs ?? unaryTimeoutMs) },
      (error, answer) => {
        options.signal.removeEventListener("abort", cancel);
        if (error === null) resolve(answer);
        else reject(options.signal.aborted ? options.signal.reason : fromStatus(error));
      },
    );
    const cancel = () => call.cancel();
    options.signal.addEventListener("abort", cancel, { once: true });
  });
}

async function* readStream(
  client: Client,
  method: MethodDefinition,
  common: CallMetadata,
  request: unknown,
  options: CallOptions,
) {
  options.signal.throwIfAborted();
  const call = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadataOf(common, options.metadata),
  );
  yield* readAnswers(call, options.signal);
}

async function* callBidi(
  client: Client,
  method: MethodDefinition,
  common: CallMetadata,
  requests: AsyncIterable<unknown>,
  options: CallOptions,
) {
  options.signal.throwIfAborted();
  const call = client.makeBidiStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    metadataOf(common, options.metadata),
  );
  const ended = new AbortController();
  let failure: unknown;
  const write = async () => {
    for await (const message of requests) {
      if (ended.signal.aborted) return;
      if (!call.write(message)) await drained(call, ended.signal);
    }
    call.end();
  };
  write().catch((error) => {
    failure = error;
    call.cancel();
  });
  try {
    yield* readAnswers(call, options.signal);
  } catch (error) {
    throw failure ?? error;
  } finally {
    ended.abort();
  }
}

interface AnswerStream extends AsyncIterable<unknown> {
  cancel(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
}

async function* readAnswers(call: AnswerStream, signal: AbortSignal) {
  const cancel = () => call.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  // A call that is cancelled after its last message was read emits an error that nobody waits for.
  call.on("error", () => {});
  try {
    yield* call;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isServiceError(error) ? fromStatus(error) : new AppError("unavailable", String(error), { cause: error });
  } finally {
    signal.removeEventListener("abort", cancel);
    call.cancel();
  }
}

function metadataOf(common: CallMetadata, own: CallMetadata = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ ...common, ...own })) metadata.set(name, value);
  return metadata;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}
