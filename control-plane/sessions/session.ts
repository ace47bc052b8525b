/* One agent's session, from its hello to its end. Down goes a snapshot of what the node must know, then whatever changed since the
 * message before; nothing waits in a queue here but requests to open a stream, at most 64. Up come heartbeats and reports.
 *
 * It ends when the agent goes or is silent for the timeout, when a newer session takes its place, when its Node object is deleted,
 * and when the control plane stops. A session that was ended for silence comes back with a new hello, so the agent reports anew. */

import type { Clock } from "#core/clock.ts";
import { AppError, invalid, isAppError, unreachable } from "#core/errors.ts";
import type { Logger } from "#process/log.ts";
import type { Change, Changes, Hello, PodReport, SessionDown, SessionUp, Welcome } from "#proto/podwire/v1/agent.ts";
import type { EventRecorder } from "../events/recorder.ts";
import type { NewestMetrics } from "../metrics/newest.ts";
import { untilAborted } from "../streams/until-aborted.ts";
import { changeBytes } from "./change-bytes.ts";
import { checkHello, type HelloContext, recordHello, recordShutdown } from "./hello.ts";
import { findIdentity } from "./identity.ts";
import type { Leases } from "./leases.ts";
import { recordPodEvent } from "./pod-events.ts";
import { applyPodReport } from "./pod-reports.ts";
import type { State } from "./state.ts";
import type { Session, SessionTable } from "./table.ts";
import { diffViews, type NodeView, snapshotOf, viewOf } from "./view.ts";

export interface SessionContext extends HelloContext {
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly leases: Leases;
  readonly sessions: SessionTable;
  readonly metrics: NewestMetrics;
  readonly readState: () => State;
  readonly keyFor: (node: string, peer: string) => Buffer;
  /** What the Welcome says of the cluster. */
  readonly welcome: Omit<Welcome, "epoch">;
}

const helloTimeoutMs = 5_000;
/** One message stays far below gRPC's 4 MiB. */
const messageBytesMax = 256 * 1024;
/** Reports of different pods are written side by side, so that they share a write of the journal. */
const reportsInFlightMax = 64;

export async function* serveSession(
  node: string,
  requests: AsyncIterable<SessionUp>,
  context: SessionContext,
  callSignal: AbortSignal,
): AsyncGenerator<SessionDown, void, undefined> {
  const up = untilAborted(requests, callSignal);
  const hello = await readHello(up, context.clock, callSignal);
  if (hello === undefined) return;
  const session = context.sessions.open(node, hello.bootId);
  const log = context.log.child({ node });
  const onCallEnd = () => session.end(new AppError("cancelled", "the agent went away"));
  callSignal.addEventListener("abort", onCallEnd, { once: true });
  if (callSignal.aborted) onCallEnd();
  try {
    context.leases.begin(node);
    session.epoch = await recordHello(session, hello, context);
    log.info({ epoch: session.epoch, address: hello.internalIP }, "session opened");
    yield { message: { $case: "welcome", value: { epoch: session.epoch, ...context.welcome } } };
    void readUp(session, up, context, log);
    yield* tellChanges(session, context);
    throw session.endReason ?? new AppError("cancelled", "the session is over");
  } catch (error) {
    if (session.epoch > 0) {
      log.info({ epoch: session.epoch, reason: error instanceof Error ? error.message : String(error) }, "session ended");
    }
    throw error;
  } finally {
    callSignal.removeEventListener("abort", onCallEnd);
    context.sessions.close(session);
  }
}

async function readHello(up: AsyncIterator<SessionUp>, clock: Clock, signal: AbortSignal): Promise<Hello | undefined> {
  const answered = new AbortController();
  const over = AbortSignal.any([signal, answered.signal]);
  const late = clock.sleep(helloTimeoutMs, over).then(
    () => {
      throw new AppError("timeout", `no hello within ${helloTimeoutMs / 1000} s`);
    },
    () => undefined,
  );
  try {
    const first = await Promise.race([up.next(), late]);
    if (first === undefined || first.done) return undefined;
    if (first.value.message?.$case !== "hello") throw invalid("the first message of a session must be a hello");
    checkHello(first.value.message.value);
    return first.value.message.value;
  } finally {
    answered.abort();
  }
}

/** Runs until the session ends. */
async function* tellChanges(session: Session, context: SessionContext): AsyncGenerator<SessionDown, void, undefined> {
  const { leases, clock, readState } = context;
  const { node, signal } = session;
  const keyFor = (peer: string) => context.keyFor(node, peer);
  let sent: { readonly view: NodeView; readonly state: State } | undefined;
  while (!signal.aborted) {
    const state = readState();
    if (state !== sent?.state) {
      endIfDeleted(session, context);
      if (signal.aborted) return;
      const view = viewOf({ nodeName: node, state, before: sent });
      const changes = sent === undefined ? snapshotOf(view, keyFor) : diffViews(sent.view, view, keyFor);
      yield* messagesOf({ changes, revision: state.revision, snapshot: sent === undefined });
      sent = { view, state };
    }
    for (const message of session.takeStreams()) yield { message };
    const remainingMs = leases.remainingMs(node);
    if (remainingMs <= 0) {
      session.end(new AppError("unavailable", `no heartbeat for ${leases.timeoutMs / 1000} s`));
      return;
    }
    await session.awaitWork({ clock, ms: remainingMs }, signal);
  }
}

function endIfDeleted(session: Session, { store, leases }: SessionContext): void {
  if (findIdentity(store, session.node) !== undefined) return;
  session.end(new AppError("unauthenticated", `node "${session.node}" was deleted: join again`));
  leases.forget(session.node);
}

interface Step {
  readonly changes: readonly Change[];
  readonly revision: number;
  readonly snapshot: boolean;
}

function* messagesOf({ changes, revision, snapshot }: Step): Generator<SessionDown, void, undefined> {
  if (changes.length === 0 && !snapshot) return;
  let start = 0;
  let byteCount = 0;
  for (const [i, change] of changes.entries()) {
    const size = changeBytes(change);
    if (i > start && byteCount + size > messageBytesMax) {
      yield changesMessage({
        revision,
        snapshotStart: snapshot && start === 0,
        snapshotEnd: false,
        changes: changes.slice(start, i),
      });
      start = i;
      byteCount = 0;
    }
    byteCount += size;
  }
  yield changesMessage({
    revision,
    snapshotStart: snapshot && start === 0,
    snapshotEnd: snapshot,
    changes: changes.slice(start),
  });
}

function changesMessage(value: Changes): SessionDown {
  return { message: { $case: "changes", value } };
}

/** Ends the session when the agent's messages end. */
async function readUp(session: Session, up: AsyncIterable<SessionUp>, context: SessionContext, log: Logger): Promise<void> {
  const reports = createReporter(session, context, log);
  try {
    for await (const { message } of up) {
      if (session.signal.aborted) return;
      // Whatever it says, it lives.
      context.leases.renew(session.node);
      switch (message?.$case) {
        case undefined: // a message of a newer agent
        case "heartbeat":
          break;
        case "podEvent":
          if (!recordPodEvent(session.node, message.value, context)) {
            log.debug({ uid: message.value.uid }, "ignored an event of a pod that is not this node's");
          }
          break;
        case "measurement":
          context.metrics.put(session.node, message.value);
          break;
        case "shuttingDown":
          context.leases.leave(session.node);
          await recordShutdown(session.node, context);
          log.info("the node's host shuts down");
          break;
        case "ack":
          session.ackedRevision = message.value.revision;
          break;
        case "podReport":
          await reports.take(message.value);
          break;
        case "hello":
          throw invalid("only the first message of a session is a hello");
        default:
          unreachable(message);
      }
    }
    session.end(new AppError("cancelled", "the agent went away"));
  } catch (error) {
    session.end(isAppError(error) ? error : new AppError("internal", "reading the session failed", { cause: error }));
  }
}

/** Writes reports: those of one pod in their order, those of several pods side by side. */
function createReporter(session: Session, context: SessionContext, log: Logger) {
  const lastOf = new Map<string, Promise<void>>();
  let inFlight = 0;
  const write = async (report: PodReport) => {
    try {
      const taken = await applyPodReport(context, session.node, report);
      if (!taken)
        log.info(
          { pod: `${report.namespace}/${report.name}`, uid: report.uid },
          "ignored a report of a pod that is not this node's",
        );
    } catch (error) {
      // The agent reports everything again in its next session.
      log.error({ err: error, pod: `${report.namespace}/${report.name}` }, "a pod's status was not written");
      session.end(new AppError("unavailable", "a pod's status was not written"));
    }
  };
  return {
    /** Resolves when the next report may come. */
    async take(report: PodReport): Promise<void> {
      inFlight += 1;
      const written = (lastOf.get(report.uid) ?? Promise.resolve()).then(() => write(report));
      lastOf.set(report.uid, written);
      void written.then(() => {
        inFlight -= 1;
        if (lastOf.get(report.uid) === written) lastOf.delete(report.uid);
      });
      if (inFlight >= reportsInFlightMax) await written;
    },
  };
}
