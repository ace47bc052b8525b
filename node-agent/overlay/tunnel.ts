/* One peer's tunnel: the connection that this node dialled, the one that the peer dialled, and what goes over them.
 *
 * Each side dials the other in order to receive: a server sends unmasked, which costs nothing, and a client must mask. So
 * frames go out on the accepted connection, and on the dialled one only where the peer can't or doesn't yet dial back.
 *
 * The dialled half:
 *   connecting ── opened ──▶ open ── lost after stableMs ──▶ connecting (attempt 0, at once)
 *       │                     └───── lost before ──▶ backoff
 *       └── failed ──▶ backoff ── due, or a new run of the peer dialled in ──▶ connecting (attempt + 1)
 *   any ── peer's endpoint or key changed ──▶ connecting (attempt 0)          any ── close ──▶ closed (final)
 * The accepted half: absent ◀── lost ── present ── the peer dialled in again ──▶ present (the newer; the older is closed)
 *
 * (1) `carrier` is the accepted link, else the dialled one, else undefined; it changes in the turn in which a link does.
 * (2) Frames without a carrier are dropped and counted, never kept.
 * (3) A link of an earlier run of the peer is cut as soon as a newer run shows itself, on either half. */

import { type AddressSet, createAddressSet } from "#core/address-set.ts";
import { backoffMs } from "#core/backoff.ts";
import type { Clock } from "#core/clock.ts";
import { type GsoTypeSet, gsoTypeSet } from "#core/frames.ts";
import type { Rng } from "#core/rng.ts";
import type { Logger } from "#process/log.ts";
import {
  type Drops,
  emptyTraffic,
  noReceiveDrops,
  noSendDrops,
  type ReceiveDrop,
  type SendDrop,
  type Traffic,
} from "./counters.ts";
import { dial } from "./dial.ts";
import { parseOffloads } from "./handshake.ts";
import type { MessageHandler } from "./inlet.ts";
import type { OverlayLimits } from "./limits.ts";
import { type CloseReason, createLink, type Link } from "./link.ts";
import type { Accepted } from "./listener.ts";
import { Outbox, type SlabPool } from "./outbox.ts";
import type { Receive } from "./receiver.ts";
import type { PeerStatus, TunnelState } from "./status.ts";
import { blocksOf, type OverlayPeer } from "./view.ts";

type Dial =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "open"; readonly link: Link }
  | { readonly state: "backoff"; readonly attempt: number; readonly untilMs: number; readonly reason: string; retry(): void }
  | { readonly state: "closed" };

/**
 * Looks at a frame just before it is queued. With "taken" the tunnel forgets the frame: the gate dropped it, or keeps a copy
 * of its own for later, and counts it.
 */
export type Gate = (bytes: Buffer, frameAt: number, length: number) => "pass" | "taken";

export interface TunnelOptions {
  readonly peer: OverlayPeer;
  /** This node's name. */
  readonly self: string;
  /** Of this run. */
  readonly instance: string;
  readonly offload: string;
  readonly pool: SlabPool;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  readonly limits: OverlayLimits;
  readonly receive: Receive;
  /** The peer named the gso types that it takes. */
  onOffloads(): void;
  /** So that a link's socket is waited for at the end, whatever became of its tunnel. */
  onLink(link: Link): void;
}

export interface Tunnel {
  readonly peer: OverlayPeer;
  readonly outbox: Outbox;
  /** Where frames go out now. */
  readonly carrier: Link | undefined;
  /** Undefined until the peer has said. */
  readonly accepts: GsoTypeSet | undefined;
  readonly sources: AddressSet;
  /** The seam for faults on this link. No fault: undefined, and nothing is called. */
  readonly gate: Gate | undefined;
  readonly sent: Traffic;
  readonly received: Traffic;
  readonly sendDrops: Drops<SendDrop>;
  readonly receiveDrops: Drops<ReceiveDrop>;
  update(peer: OverlayPeer): void;
  accept(accepted: Accepted): void;
  heartbeat(): void;
  status(): PeerStatus;
  /** For good. */
  close(reason: CloseReason): void;
}

export function createTunnel(options: TunnelOptions): Tunnel {
  const { self, instance, offload, pool, clock, rng, limits, receive, onOffloads, onLink } = options;
  const log = options.log.child({ peer: options.peer.name });
  let peer = options.peer;
  let sources = createAddressSet(blocksOf(peer));
  let dialled: Dial = { state: "connecting", attempt: 0 };
  let accepted: Link | undefined;
  let carrier: Link | undefined;
  let accepts: GsoTypeSet | undefined;
  let latestRun: string | undefined;
  let cycle = new AbortController();
  const outbox = new Outbox(pool);
  const counters = { sent: emptyTraffic(), received: emptyTraffic(), sendDrops: noSendDrops(), receiveDrops: noReceiveDrops() };

  const chooseCarrier = () => {
    carrier = accepted ?? (dialled.state === "open" ? dialled.link : undefined);
  };
  const enter = (next: Dial) => {
    dialled = next;
    chooseCarrier();
  };
  const links = (): Link[] => {
    const both = dialled.state === "open" ? [dialled.link] : [];
    if (accepted !== undefined) both.push(accepted);
    return both;
  };
  const learn = (offloads: string) => {
    const types = gsoTypeSet(parseOffloads(offloads));
    if (types === accepts) return;
    accepts = types;
    onOffloads();
  };
  const cutOtherRuns = (run: string) => {
    for (const link of links()) if (link.instance !== run) link.cut("peer-restarted");
  };

  const take: MessageHandler = (memory, from, to) => receive(tunnel, memory, from, to);

  /** Answers how long the connection lived, or why there was none. */
  async function holdConnection(signal: AbortSignal): Promise<{ readonly livedMs: number; readonly reason: string }> {
    const lost = Promise.withResolvers<string>();
    const openedMs = clock.monotonicMs();
    const { name, endpoint, key } = peer;
    const dialling = { self, peer: name, endpoint, key, instance, offload, clock, limits, signal };
    const problem = await dial(dialling, ({ answer, websocket, inlet }) => {
      let ended = false;
      const link = createLink({
        websocket,
        socket: inlet.socket,
        role: "dialled",
        instance: answer.instance,
        clock,
        limits,
        onMessage: take,
        onEnd(_link, reason) {
          ended = true;
          if (dialled.state === "open" && dialled.link === link) enter({ state: "connecting", attempt: 0 });
          lost.resolve(reason);
        },
      });
      onLink(link);
      cutOtherRuns(answer.instance);
      enter({ state: "open", link });
      learn(answer.offload);
      inlet.start((memory, from, to) => {
        if (!ended) take(memory, from, to);
      });
    });
    if (problem !== undefined) return { livedMs: 0, reason: problem };
    log.info({ role: "dialled" }, "tunnel open");
    return { reason: await lost.promise, livedMs: clock.monotonicMs() - openedMs };
  }

  async function keepDialling(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    while (!signal.aborted) {
      enter({ state: "connecting", attempt });
      const { livedMs, reason } = await holdConnection(signal);
      if (signal.aborted) return;
      if (livedMs > 0) log.info({ role: "dialled", reason }, "tunnel lost");
      // Peers that start together miss each other once or twice.
      else if (attempt === 3) log.warn({ reason }, "cannot reach the peer's tunnel, trying on");
      if (livedMs >= limits.stableMs) {
        attempt = 0;
        continue;
      }
      await backOff(attempt, reason, signal);
      attempt += 1;
    }
  }

  async function backOff(attempt: number, reason: string, signal: AbortSignal): Promise<void> {
    const waitMs = backoffMs(attempt, { firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs }, rng);
    const early = new AbortController();
    const untilMs = clock.monotonicMs() + waitMs;
    enter({ state: "backoff", attempt, untilMs, reason, retry: () => early.abort() });
    // Ends in one of three ways, and the loop goes on after each.
    await clock.sleep(waitMs, AbortSignal.any([signal, early.signal])).catch(() => {});
  }

  function dialAnew(): void {
    cycle.abort();
    cycle = new AbortController();
    void keepDialling(cycle.signal);
  }

  const tunnel: Tunnel = {
    ...counters,
    outbox,
    gate: undefined,
    get peer() {
      return peer;
    },
    get carrier() {
      return carrier;
    },
    get accepts() {
      return accepts;
    },
    get sources() {
      return sources;
    },
    update(next) {
      const keyChanged = !Buffer.from(next.key).equals(peer.key);
      const endpointChanged = next.endpoint !== peer.endpoint;
      peer = next;
      sources = createAddressSet(blocksOf(next));
      if (keyChanged) accepted?.close("no-longer-a-peer");
      if (keyChanged || endpointChanged) {
        if (dialled.state === "open") dialled.link.close("no-longer-a-peer");
        dialAnew();
      }
    },
    accept({ hello, websocket, socket }) {
      const link = createLink({
        websocket,
        socket,
        role: "accepted",
        instance: hello.instance,
        clock,
        limits,
        onMessage: take,
        onEnd(ended, reason) {
          if (accepted !== ended) return;
          accepted = undefined;
          chooseCarrier();
          log.info({ role: "accepted", reason }, "tunnel lost");
        },
      });
      onLink(link);
      const older = accepted;
      accepted = link;
      chooseCarrier();
      older?.close("replaced");
      cutOtherRuns(hello.instance);
      learn(hello.offload);
      // A run of the peer that is new can be reached now: no need to wait any longer. Once for each run, or two sides that
      // both fail would drive each other round without a pause.
      if (hello.instance !== latestRun && dialled.state === "backoff") dialled.retry();
      latestRun = hello.instance;
      log.info({ role: "accepted" }, "tunnel open");
    },
    heartbeat() {
      for (const link of links()) link.heartbeat();
    },
    status: () => ({
      name: peer.name,
      tunnel: stateOf(dialled, accepted),
      roundTripMs: carrier?.roundTripMs,
      queuedBytes: links().reduce((sum, link) => sum + link.queuedBytes, 0),
      sent: { ...counters.sent },
      received: { ...counters.received },
      sendDrops: { ...counters.sendDrops },
      receiveDrops: { ...counters.receiveDrops },
    }),
    close(reason) {
      const open = links();
      cycle.abort();
      enter({ state: "closed" });
      for (const link of open) link.close(reason);
    },
  };
  dialAnew();
  return tunnel;
}

function stateOf(dialled: Dial, accepted: Link | undefined): TunnelState {
  if (dialled.state === "open")
    return accepted === undefined ? { state: "one-way", role: "dialled", reason: undefined } : { state: "open" };
  if (accepted !== undefined) {
    return { state: "one-way", role: "accepted", reason: dialled.state === "backoff" ? dialled.reason : undefined };
  }
  if (dialled.state === "backoff") {
    const { state, attempt, untilMs, reason } = dialled;
    return { state, attempt, untilMs, reason };
  }
  return dialled;
}
