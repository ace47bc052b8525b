/* The agent's end of its one session with the control plane:
 *
 *   joining ─ identity ─▶ connecting ─ welcome ─▶ open ─ stream ended ─▶ back-off ─▶ connecting
 *      ▲                                                                    │
 *      └──────────────── the control plane doesn't know us any more ────────┘
 *
 * Reports are of state and not of events: each session begins with how everything is, so nothing is kept for one that is away. */

import { aborted } from "#core/aborted.ts";
import { type BackoffOptions, backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { AppError, isAppError, messageOf, unreachable } from "#core/errors.ts";
import { createQueue } from "#core/queue.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import {
  AgentService,
  type Changes,
  type Hello,
  type Measurement,
  type OpenStream,
  type PodEvent,
  type PodReport,
  type SessionDown,
  type SessionUp,
  type Welcome,
} from "#proto/podwire/v1/agent.ts";
import { createRpcClient } from "#rpc/client.ts";
import type { IdentityFile } from "../identity.ts";

export interface SessionOptions {
  /** The control plane's host:port. */
  readonly server: string;
  readonly nodeName: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Reads the join token when it is needed; undefined where there is none. */
  readonly joinToken: () => string | undefined;
  readonly identity: IdentityFile;
  readonly hello: () => Hello;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly shutdown: SessionShutdown;
  readonly on: SessionHandlers;
}

export interface SessionShutdown {
  /** The host shuts down: the control plane is told. */
  readonly begun: AbortSignal;
  /** The agent goes: what is said by now still reaches the control plane, and no session follows. */
  readonly done: AbortSignal;
}

export interface SessionHandlers {
  /** The first reports of a session are everything there is to say. */
  welcome(welcome: Welcome, send: SessionSenders): void;
  /** Throws where they make no sense. Resolves when they are in force; rejects where that was not possible yet. */
  changes(changes: Changes): Promise<void>;
  openStream(request: OpenStream): void;
  closeStream(streamId: string): void;
}

export interface SessionSenders {
  readonly report: SendReport;
  readonly event: SendEvent;
  readonly measurement: SendMeasurement;
}

export type SendReport = (report: PodReport) => void;
/** False where the session can't take it now: no event is worth a session. */
export type SendEvent = (event: PodEvent) => boolean;
/** As events go; the next one says more. */
export type SendMeasurement = (measurement: Measurement) => boolean;

const heartbeatMs = 1_000;
const reconnect: BackoffOptions = { firstMs: 100, maxMs: 1_000 };
const upQueueLimit = 4_096;
/** Beyond that the rest of the queue is for reports. */
const lossyQueueLimit = 1_024;

/** How long the control plane has to take what is said last. */
const leaveMs = 1_000;

/** Keeps a session open until the signal aborts or the agent leaves. */
export async function runSession(options: SessionOptions): Promise<void> {
  const { clock, rng, log } = options;
  const quit = AbortSignal.any([options.signal, options.shutdown.done]);
  for (let attempt = 0; !quit.aborted; attempt++) {
    try {
      await oneSession(options, quit, () => {
        attempt = 0;
      });
    } catch (error) {
      if (quit.aborted) return;
      const refused = isAppError(error, "unauthenticated");
      if (refused) log.warn({ err: error }, "the control plane does not know this node; joining again");
      else log.info({ reason: messageOf(error) }, "session ended");
      if (refused) options.identity.save({ nodeName: "", credential: "" });
    }
    await clock.sleep(backoffMs(attempt, reconnect, rng), quit).catch(() => {});
  }
}

async function oneSession(options: SessionOptions, quit: AbortSignal, onWelcome: () => void): Promise<void> {
  const { server, identity, log, on, signal, shutdown, clock } = options;
  const { nodeName, credential } = await knownIdentity(options, quit);
  using client = createRpcClient(AgentService, {
    address: server,
    metadata: { "podwire-node": nodeName, authorization: `Bearer ${credential}` },
    keepalive: "quick",
  });
  const ended = new AbortController();
  const inSession = AbortSignal.any([signal, ended.signal]);
  const up = createQueue<SessionUp>({ limit: upQueueLimit, whenFull: "fail" }, inSession);
  // A session that missed something is worth nothing: the next one says all again.
  const say = (message: SessionUp["message"]) => {
    if (!up.offer({ message }) && !shutdown.done.aborted)
      ended.abort(new AppError("exhausted", "the control plane takes nothing any more"));
  };
  say({ $case: "hello", value: options.hello() });
  const sayIfIdle = (message: SessionUp["message"]) => up.size < lossyQueueLimit && up.offer({ message });
  const send: SessionSenders = {
    report: (report) => say({ $case: "podReport", value: report }),
    event: (event) => sayIfIdle({ $case: "podEvent", value: event }),
    measurement: (measurement) => sayIfIdle({ $case: "measurement", value: measurement }),
  };
  void aborted(AbortSignal.any([shutdown.begun, inSession])).then(() => {
    if (!inSession.aborted) say({ $case: "shuttingDown", value: {} });
  });
  void aborted(AbortSignal.any([shutdown.done, inSession])).then(async () => {
    up.end();
    await clock.sleep(leaveMs, inSession).catch(() => {});
    ended.abort();
  });
  try {
    for await (const down of client.session(up, { signal: inSession })) {
      const { message } = down as SessionDown;
      if (message === undefined) continue;
      switch (message.$case) {
        case "welcome":
          onWelcome();
          log.info({ epoch: message.value.epoch }, "session open");
          identity.saveBlock({ ...identity.loadBlock(), epoch: message.value.epoch });
          void beat(options, say, inSession);
          on.welcome(message.value, send);
          break;
        case "changes":
          on.changes(message.value).then(
            () => say({ $case: "ack", value: { revision: message.value.revision } }),
            (error) => log.warn({ err: error }, "the network could not be changed; trying again soon"),
          );
          break;
        case "openStream":
          on.openStream(message.value);
          break;
        case "closeStream":
          on.closeStream(message.value);
          break;
        default:
          unreachable(message);
      }
    }
  } finally {
    ended.abort();
  }
}

async function beat({ clock }: SessionOptions, say: (message: SessionUp["message"]) => void, signal: AbortSignal): Promise<void> {
  for (let sequence = 1; !signal.aborted; sequence++) {
    say({ $case: "heartbeat", value: { sequence } });
    await clock.sleep(heartbeatMs, signal).catch(() => {});
  }
}

async function knownIdentity({ server, nodeName, labels, joinToken, identity, log }: SessionOptions, signal: AbortSignal) {
  const known = identity.load();
  if (known !== undefined && known.nodeName === nodeName) return known;
  const token = joinToken();
  using client = createRpcClient(AgentService, { address: server, metadata: { authorization: `Bearer ${token ?? ""}` } });
  const answer = await client.join(
    { nodeName, labels: { ...labels }, previousPodCIDR: identity.loadBlock().podCidr },
    { signal },
  );
  const joined = { nodeName: answer.nodeName, credential: answer.credential };
  identity.save(joined);
  log.info("joined the cluster");
  return joined;
}
