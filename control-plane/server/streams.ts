/* The calls of users that become streams to a node: exec, attach, logs and port-forward. */

import { invalid } from "#core/errors.ts";
import type { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { StreamInput } from "#proto/podwire/v1/streams.ts";
import type { Handlers } from "#rpc/server.ts";
import type { StreamBroker } from "../streams/broker.ts";
import { attachTarget, execTarget, forwardTarget, logsTarget, type TargetContext } from "./stream-target.ts";

export interface StreamContext extends Omit<TargetContext, "signal"> {
  readonly streams: StreamBroker;
}

export type StreamHandlers = Pick<Handlers<typeof ClusterService>, "exec" | "attach" | "logs" | "portForward">;

export function streamHandlers(context: StreamContext): StreamHandlers {
  const { streams } = context;
  return {
    async *exec(requests, { signal }) {
      const { start, inputs } = await readStart(requests, "exec");
      if (start === undefined) return;
      if (start.command.length === 0) throw invalid("you must specify at least one command for the container");
      const { session, namespace, container } = await execTarget(start, { ...context, signal });
      const value = { ...start, namespace, container };
      yield* streams.open({ session, start: { $case: "exec", value }, inputs, signal });
    },
    async *attach(requests, { signal }) {
      const { start, inputs } = await readStart(requests, "attach");
      if (start === undefined) return;
      const { session, namespace, container } = await attachTarget(start, { ...context, signal });
      const value = { ...start, namespace, container };
      yield* streams.open({ session, start: { $case: "attach", value }, inputs, signal });
    },
    async *logs(request, { signal }) {
      const { session, namespace, container } = await logsTarget(request, { ...context, signal });
      const value = { ...request, namespace, container };
      yield* streams.open({ session, start: { $case: "logs", value }, inputs: noInput(), signal });
    },
    async *portForward(requests, { signal }) {
      const { start, inputs } = await readStart(requests, "port-forward");
      if (start === undefined) return;
      const { session, namespace } = await forwardTarget(start, { ...context, signal });
      const value = { ...start, namespace };
      yield* streams.open({ session, start: { $case: "portForward", value }, inputs, signal });
    },
  };
}

/** The two messages of every call that has input. */
interface StreamRequest<Start> {
  readonly message?:
    | { readonly $case: "start"; readonly value: Start }
    | { readonly $case: "input"; readonly value: StreamInput };
}

interface Begun<Start> {
  /** Undefined where the user left at once. */
  readonly start: Start | undefined;
  readonly inputs: AsyncIterable<StreamInput>;
}

async function readStart<Start>(requests: AsyncIterable<StreamRequest<Start>>, what: string): Promise<Begun<Start>> {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return { start: undefined, inputs: noInput() };
  if (first.value.message?.$case !== "start") throw invalid(`the first message of ${what} must be its start`);
  return { start: first.value.message.value, inputs: inputsOf(iterator, what) };
}

async function* inputsOf<Start>(
  requests: AsyncIterator<StreamRequest<Start>>,
  what: string,
): AsyncGenerator<StreamInput, void, undefined> {
  for (;;) {
    const next = await requests.next();
    if (next.done === true) return;
    if (next.value.message?.$case === "start") throw invalid(`only the first message of ${what} is its start`);
    if (next.value.message !== undefined) yield next.value.message.value;
  }
}

async function* noInput(): AsyncGenerator<StreamInput, void, undefined> {}
