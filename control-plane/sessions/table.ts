/* The sessions that are open, at most one for each node.
 *
 * Who may take a node's place while its session is live, that is, heard of within the timeout:
 *   another boot id   yes: the agent was killed and started again, and the old stream has not noticed
 *   the same boot id  no: one agent has one session, so this is a copy of it
 *   a boot id that was superseded before   no: two agents would push each other out for ever
 * Where the old session is not live, anybody with the node's credential may. */

import type { Clock } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import type { OpenStream, SessionDown } from "#proto/podwire/v1/agent.ts";
import { createWakeups } from "../state/follow.ts";
import type { Leases } from "./leases.ts";

export interface Session {
  readonly node: string;
  readonly bootId: string;
  /** Aborts when the session is over, whatever ended it. */
  readonly signal: AbortSignal;
  /** 0 until the store has given it. */
  epoch: number;
  /** The newest revision that the agent says it has put into effect. */
  ackedRevision: number;
  /** Asks the agent for an Attach call. Throws "exhausted" where too many requests wait to be sent. */
  openStream(request: OpenStream): void;
  /** Tells the agent that the user of a stream is gone. */
  closeStream(streamId: string): void;
  /** What is to be said of streams, in order. */
  takeStreams(): readonly NonNullable<SessionDown["message"]>[];
  /** Something that the agent should know may have changed. */
  wake(): void;
  /** Resolves after a `wake`, an `openStream` or a `closeStream`, when the session ends, and when the node's lease may have lapsed. */
  awaitWork: ReturnType<typeof createWakeups>["next"];
  end(reason: AppError): void;
  /** Why it ended. */
  readonly endReason: AppError | undefined;
}

export interface SessionTable {
  find(node: string): Session | undefined;
  /** Its session is open and was heard of within the timeout. */
  isLive(node: string): boolean;
  /**
   * Its live session. An agent that was heard of within the timeout, or that may not have come back yet since the control plane started,
   * is waited for: until it comes, the timeout is over or the signal aborts. Throws "exhausted" where too many wait already.
   */
  awaitLive(node: string, signal: AbortSignal): Promise<Session | undefined>;
  /** Throws "already-exists" where a live session stays. */
  open(node: string, bootId: string): Session;
  close(session: Session): void;
  wakeAll(): void;
  readonly count: number;
}

const waitingStreamsMax = 256;
const waitingCallsMax = 1_024;
const supersededMax = 16;

export function createSessionTable(leases: Leases, clock: Clock): SessionTable {
  const sessions = new Map<string, Session>();
  /** Wakes those who wait for a session. Each is a user's call. */
  const waiting = new Set<() => void>();
  const superseded = new Map<string, readonly string[]>();
  const isLive = (node: string) => sessions.has(node) && leases.remainingMs(node) > 0;
  return {
    find: (node) => sessions.get(node),
    isLive,
    async awaitLive(node, signal) {
      while (!isLive(node)) {
        const leftMs = leases.remainingMs(node);
        if (leftMs <= 0 || leases.isLeaving(node) || signal.aborted) return undefined;
        if (waiting.size >= waitingCallsMax) {
          throw new AppError("exhausted", `${waitingCallsMax} calls wait for agents to come back already: try again`);
        }
        const woken = new AbortController();
        const wake = () => woken.abort();
        waiting.add(wake);
        await clock.sleep(leftMs, AbortSignal.any([signal, woken.signal])).catch(() => {});
        waiting.delete(wake);
      }
      return sessions.get(node);
    },
    open(node, bootId) {
      const old = sessions.get(node);
      const past = superseded.get(node) ?? [];
      if (old !== undefined && isLive(node) && (old.bootId === bootId || past.includes(bootId))) {
        throw new AppError("already-exists", `node "${node}" has a live session of another agent: stop that agent first`);
      }
      if (old !== undefined && old.bootId !== bootId) superseded.set(node, [old.bootId, ...past].slice(0, supersededMax));
      old?.end(new AppError("already-exists", `a newer session of node "${node}" took this one's place`));
      const session = createSession(node, bootId);
      sessions.set(node, session);
      for (const wake of waiting) wake();
      return session;
    },
    close(session) {
      session.end(new AppError("cancelled", `the session of node "${session.node}" is over`));
      if (sessions.get(session.node) === session) sessions.delete(session.node);
    },
    wakeAll() {
      for (const session of sessions.values()) session.wake();
    },
    get count() {
      return sessions.size;
    },
  };
}

function createSession(node: string, bootId: string): Session {
  const controller = new AbortController();
  const wakeups = createWakeups();
  let streams: NonNullable<SessionDown["message"]>[] = [];
  let endReason: AppError | undefined;
  return {
    node,
    bootId,
    signal: controller.signal,
    epoch: 0,
    ackedRevision: 0,
    openStream(request) {
      if (streams.filter(({ $case }) => $case === "openStream").length >= waitingStreamsMax) {
        throw new AppError("exhausted", `node "${node}" is slow: ${waitingStreamsMax} streams wait to be opened there`);
      }
      streams.push({ $case: "openStream", value: request });
      wakeups.wake();
    },
    closeStream(streamId) {
      // At most one for each stream, and those are few (broker.ts).
      streams.push({ $case: "closeStream", value: streamId });
      wakeups.wake();
    },
    takeStreams() {
      const taken = streams;
      streams = [];
      return taken;
    },
    wake: wakeups.wake,
    awaitWork: wakeups.next,
    end(reason) {
      endReason ??= reason;
      controller.abort();
    },
    get endReason() {
      return endReason;
    },
  };
}
