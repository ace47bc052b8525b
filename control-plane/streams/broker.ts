/* Joins the two legs of an exec or log stream. The user's call asks the node's session for a stream with a random id, and waits until
 * the agent dials back with that id; then frames go both ways, each pulled only when the other side took the one before, so a slow
 * reader slows the writer and nothing is kept here.
 *
 * (1) An id is good for one Attach call of the node that it was sent to.  (2) Whichever leg ends, the other ends too; an agent learns
 * by its session that the user left, since the end of its Attach call waits behind input that the process doesn't read, and kills the
 * process.  (3) At most 256 streams a node. */

import { aborted } from "#core/aborted.ts";
import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import type { OpenStream } from "#proto/podwire/v1/agent.ts";
import type { StreamInput, StreamOutput } from "#proto/podwire/v1/streams.ts";
import type { Ids } from "../ids.ts";
import type { Session } from "../sessions/table.ts";
import { untilAborted } from "./until-aborted.ts";

const streamsPerNodeMax = 256;
const attachTimeoutMs = 5_000;

interface OpenRequest {
  readonly session: Session;
  readonly start: NonNullable<OpenStream["start"]>;
  readonly inputs: AsyncIterable<StreamInput>;
  /** Of the user's call. */
  readonly signal: AbortSignal;
}

interface AttachRequest {
  readonly node: string;
  readonly streamId: string;
  readonly outputs: AsyncIterable<StreamOutput>;
  /** Of the agent's call. */
  readonly signal: AbortSignal;
}

export interface StreamBroker {
  /** The user's leg: what the process says, to its `exit` or `error` frame. */
  open(request: OpenRequest): AsyncGenerator<StreamOutput, void, undefined>;
  /** The agent's leg: what the user says. */
  attach(request: AttachRequest): AsyncGenerator<StreamInput, void, undefined>;
}

interface Waiting {
  readonly node: string;
  readonly inputs: AsyncIterable<StreamInput>;
  /** The user's leg is over. */
  readonly over: AbortSignal;
  readonly arrive: (outputs: AsyncIterable<StreamOutput>) => void;
}

export function createStreamBroker({ ids, clock }: { readonly ids: Ids; readonly clock: Clock }): StreamBroker {
  const waiting = new Map<string, Waiting>();
  const countOf = new Map<string, number>();

  return {
    async *open({ session, start, inputs, signal }) {
      const { node } = session;
      const count = countOf.get(node) ?? 0;
      if (count >= streamsPerNodeMax) {
        throw new AppError("exhausted", `node "${node}" serves ${streamsPerNodeMax} streams already: end some first`);
      }
      countOf.set(node, count + 1);
      const streamId = ids.secret(16);
      const over = new AbortController();
      let finished = false;
      try {
        const attached = new Promise<AsyncIterable<StreamOutput>>((arrive) => {
          waiting.set(streamId, { node, inputs, over: over.signal, arrive });
        });
        session.openStream({ streamId, start });
        const outputs = await within(attached, { clock, session, signal });
        if (outputs === undefined) return;
        for await (const output of untilAborted(outputs, signal)) {
          finished = output.frame?.$case === "exit" || output.frame?.$case === "error";
          yield output;
          if (finished) return;
        }
        if (!signal.aborted) throw new AppError("unavailable", `node "${node}" broke off the stream`);
      } finally {
        over.abort();
        waiting.delete(streamId);
        if (!finished) session.closeStream(streamId);
        const left = (countOf.get(node) ?? 1) - 1;
        if (left === 0) countOf.delete(node);
        else countOf.set(node, left);
      }
    },
    async *attach({ node, streamId, outputs, signal }) {
      const stream = waiting.get(streamId);
      if (stream === undefined || stream.node !== node) {
        throw new AppError("not-found", "nobody waits for this stream: its user has gone");
      }
      waiting.delete(streamId);
      stream.arrive(outputs);
      const ended = AbortSignal.any([stream.over, signal]);
      yield* untilAborted(stream.inputs, ended);
      // The end of the user's messages says nothing about the process; the end of the user's call does.
      await aborted(ended);
    },
  };
}

interface Patience {
  readonly clock: Clock;
  readonly session: Session;
  readonly signal: AbortSignal;
}

/** What arrives in time; undefined where the user goes first. */
async function within<T>(arrival: Promise<T>, { clock, session, signal }: Patience): Promise<T | undefined> {
  const settled = new AbortController();
  const node = session.node;
  const late = clock.sleep(attachTimeoutMs, settled.signal).then(
    () => {
      throw new AppError("unavailable", `node "${node}" did not open the stream within ${attachTimeoutMs / 1000} s`);
    },
    () => undefined,
  );
  const lost = aborted(AbortSignal.any([session.signal, settled.signal])).then(() => {
    if (!settled.signal.aborted)
      throw new AppError("unavailable", `the session of node "${node}" ended before it opened the stream`);
    return undefined;
  });
  const left = aborted(AbortSignal.any([signal, settled.signal])).then(() => undefined);
  try {
    return await Promise.race([arrival, late, lost, left]);
  } finally {
    settled.abort();
  }
}
