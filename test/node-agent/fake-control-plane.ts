/* The control plane's end of the Agent service, over real gRPC, played by a test. */

import { AppError } from "#core/errors.ts";
import { createQueue, type Queue } from "#core/queue.ts";
import {
  AgentService,
  type Changes,
  type JoinRequest,
  type OpenStream,
  type SessionDown,
  type SessionUp,
} from "#proto/podwire/v1/agent.ts";
import type { StreamInput, StreamOutput } from "#proto/podwire/v1/streams.ts";
import { createRpcServer } from "#rpc/server.ts";
import { until } from "../support/until.ts";

export const joinToken = "a-join-token";

export interface PlayedSession {
  readonly node: string;
  readonly credential: string;
  /** Everything that came, in order. */
  readonly ups: readonly SessionUp[];
  /** What came of one kind. */
  of<K extends Kind>(kind: K): Extract<NonNullable<SessionUp["message"]>, { $case: K }>["value"][];
  welcome(epoch?: number): void;
  changes(changes: Partial<Changes>): void;
  openStream(request: OpenStream): void;
  closeStream(streamId: string): void;
  /** Ends the session, with an error where one is given. */
  end(error?: AppError): void;
  readonly over: boolean;
}

type Kind = NonNullable<SessionUp["message"]>["$case"];

export interface PlayedStream {
  readonly outputs: AsyncIterator<StreamOutput>;
  send(input: StreamInput): void;
  /** Ends the agent's call. */
  end(): void;
  /** Resolves when the call is over, whoever ended it. */
  readonly over: Promise<void>;
}

export interface FakeControlPlane extends AsyncDisposable {
  readonly joins: readonly { readonly request: JoinRequest; readonly token: string }[];
  readonly sessions: readonly PlayedSession[];
  /** Calls that were refused for want of a known credential. */
  readonly refusals: number;
  session(index: number): Promise<PlayedSession>;
  stream(id: string): Promise<PlayedStream>;
}

export interface PlayOptions {
  /** `unix:PATH` */
  readonly address: string;
  /** Credentials that earlier joins gave. */
  readonly known?: readonly string[];
  /** Does not read what agents send. */
  readonly deaf?: boolean;
}

let credentials = 0;

export async function playControlPlane({ address, known = [], deaf = false }: PlayOptions): Promise<FakeControlPlane> {
  const valid = new Set(known);
  const joins: { request: JoinRequest; token: string }[] = [];
  const sessions: PlayedSession[] = [];
  const streams = new Map<string, PlayedStream>();
  let refusals = 0;
  const bearer = (metadata: Readonly<Record<string, string>>) => (metadata.authorization ?? "").replace(/^Bearer /, "");

  const server = createRpcServer({
    authorize(path, metadata) {
      const allowed = path.endsWith("/Join") ? bearer(metadata) === joinToken : valid.has(bearer(metadata));
      if (allowed) return;
      refusals += 1;
      throw new AppError("unauthenticated", "who are you?");
    },
    onUnexpectedError(error) {
      throw error;
    },
  });
  server.add(AgentService, {
    async join(request, { metadata }) {
      joins.push({ request, token: bearer(metadata) });
      credentials += 1;
      const credential = `credential-${credentials}`;
      valid.add(credential);
      return { nodeName: request.nodeName, credential };
    },
    async *session(ups, { metadata, signal }) {
      const down = createQueue<SessionDown>({ limit: 1_000, whenFull: "fail" }, signal);
      const session = playedSession(down, metadata["podwire-node"] ?? "", bearer(metadata));
      sessions.push(session.played);
      const read = async () => {
        for await (const up of ups) session.take(up);
      };
      if (!deaf) read().catch(() => {});
      try {
        yield* down;
      } finally {
        session.finish();
      }
    },
    async *attach(outputs, { metadata, signal }) {
      const inputs = createQueue<StreamInput>({ limit: 100_000, whenFull: "fail" }, signal);
      const over = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => over.resolve(), { once: true });
      streams.set(metadata["podwire-stream"] ?? "", {
        outputs: outputs[Symbol.asyncIterator](),
        send: (input) => void inputs.offer(input),
        end: () => inputs.end(),
        over: over.promise,
      });
      yield* inputs;
    },
  });
  await server.listen(address);
  return {
    joins,
    sessions,
    get refusals() {
      return refusals;
    },
    session: (index) => until(() => sessions[index], `session ${index}`),
    stream: (id) => until(() => streams.get(id), `stream ${id}`),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function playedSession(down: Queue<SessionDown>, node: string, credential: string) {
  const ups: SessionUp[] = [];
  let over = false;
  const send = (message: SessionDown["message"]) => void down.offer({ message });
  const played: PlayedSession = {
    node,
    credential,
    ups,
    of: (kind) => ups.flatMap(({ message }) => (message?.$case === kind ? [message.value as never] : [])),
    welcome: (epoch = 1) =>
      send({
        $case: "welcome",
        value: {
          epoch,
          cluster: "test",
          podCIDR: "10.244.0.0/16",
          serviceCIDR: "10.96.0.0/16",
          loadBalancerCIDR: "10.97.0.0/24",
          metricsIntervalMs: 500,
        },
      }),
    changes: (changes) =>
      send({ $case: "changes", value: { revision: 1, snapshotStart: false, snapshotEnd: false, changes: [], ...changes } }),
    openStream: (request) => send({ $case: "openStream", value: request }),
    closeStream: (streamId) => send({ $case: "closeStream", value: streamId }),
    end: (error) => down.end(error),
    get over() {
      return over;
    },
  };
  return {
    played,
    take: (up: SessionUp) => void ups.push(up),
    finish() {
      over = true;
    },
  };
}
