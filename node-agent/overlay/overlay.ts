/* The mesh between agents: frames of this node's TUN go to the peer that has their destination, frames of peers to the TUN.
 * The caller gives the TUN its routes; nothing here touches addresses or routes. docs/wire-protocol.md is what peers see. */

import { randomBytes } from "node:crypto";
import { type AddressSet, createAddressSet } from "#core/address-set.ts";
import type { Clock } from "#core/clock.ts";
import { assert } from "#core/errors.ts";
import { gsoTypeSet } from "#core/frames.ts";
import type { Rng } from "#core/rng.ts";
import { createRoutingTable, type RoutingTable } from "#core/routing-table.ts";
import type { Tun } from "#kernel/tun.ts";
import type { Logger } from "#process/log.ts";
import { createDoorkeeper, type Refusal } from "./admission.ts";
import { noSendDrops } from "./counters.ts";
import { formatOffloads, nonceBytes } from "./handshake.ts";
import { defaultLimits, messageBytesMin, type OverlayLimits } from "./limits.ts";
import type { CloseReason, Link } from "./link.ts";
import { type Accepted, listen } from "./listener.ts";
import { SlabPool } from "./outbox.ts";
import { createReceiver } from "./receiver.ts";
import { createSender } from "./sender.ts";
import type { OverlayStatus } from "./status.ts";
import { createTunnel, type Tunnel } from "./tunnel.ts";
import { blocksOf, type OverlayPeer, type OverlaySelf, type OverlayView } from "./view.ts";

export type { OverlayLimits } from "./limits.ts";
export type { OverlayStatus } from "./status.ts";
export type { OverlayPeer, OverlayView } from "./view.ts";

export interface Overlay extends AsyncDisposable {
  /** The whole wanted state. Connections to peers that stay as they are stay up. */
  set(view: OverlayView): void;
  /**
   * Whether one frame may stand for many packets, which is so at first. Off, the kernel cuts them up before this process sees them: dearer
   * by far, and what looks at single packets needs it. What is on its way survives the change.
   */
  setOffload(on: boolean): void;
  status(): OverlayStatus;
  /** Where peers dial in. */
  readonly port: number;
}

export interface OverlayOptions {
  /** Port 0 is any that is free. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Stays the caller's: the overlay stops reading it and leaves it open. */
  readonly tun: Tun;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Logger;
  /** Ends the overlay as disposing of it does. */
  readonly signal: AbortSignal;
  readonly limits?: Partial<OverlayLimits>;
}

const idleSlabsMax = 16;

/** "failed-precondition" where the address or port can't be had. */
export async function startOverlay(options: OverlayOptions): Promise<Overlay> {
  const { tun, clock, rng, log, signal } = options;
  const limits: OverlayLimits = { ...defaultLimits, ...options.limits };
  assert(limits.messageBytesMax >= messageBytesMin, `messageBytesMax is at least ${messageBytesMin}`);
  signal.throwIfAborted();

  const stop = new AbortController();
  const instance = randomBytes(nonceBytes).toString("base64url");
  const offload = formatOffloads(tun.offloads);
  const pool = new SlabPool({ slabBytes: limits.messageBytesMax, idleMax: idleSlabsMax });
  const drops = noSendDrops();
  const refusals: Record<Refusal, number> = {
    malformed: 0,
    unproven: 0,
    clock: 0,
    replayed: 0,
    "wrong-peer": 0,
    version: 0,
    busy: 0,
  };
  const tunnels = new Map<string, Tunnel>();
  const links = new Set<Link>();
  let self: OverlaySelf | undefined;
  let own: AddressSet = createAddressSet([]);
  let routes: RoutingTable<Tunnel> = createRoutingTable<Tunnel>([]);
  let offloading = true;
  let givenTypes = gsoTypeSet(tun.offloads);

  const receive = createReceiver({ tun, accepted: gsoTypeSet(tun.offloads), own: () => own });

  /** One TUN serves all peers, so it may give only what each of them takes. */
  const adaptOffloads = () => {
    const common = tun.offloads.filter(
      (type) =>
        offloading && [...tunnels.values()].every(({ accepts }) => accepts === undefined || (accepts & gsoTypeSet([type])) !== 0),
    );
    const types = gsoTypeSet(common);
    if (types === givenTypes) return;
    givenTypes = types;
    tun.setOffloads(common);
    log.info({ offload: formatOffloads(common) }, "offload adapted to what is wanted and all peers take");
  };

  const openTunnel = (peer: OverlayPeer, selfName: string) =>
    createTunnel({
      peer,
      self: selfName,
      instance,
      offload,
      pool,
      clock,
      rng,
      log,
      limits,
      receive,
      onOffloads: adaptOffloads,
      onLink(link) {
        links.add(link);
        void link.gone.then(() => links.delete(link));
      },
    });

  const closeTunnel = (tunnel: Tunnel, reason: CloseReason) => {
    tunnel.close(reason);
    tunnels.delete(tunnel.peer.name);
  };

  const doorkeeper = createDoorkeeper({
    instance,
    offload,
    clock,
    limits,
    self: () => self?.name ?? "",
    keyOf: (peer) => tunnels.get(peer)?.peer.key,
  });
  const listener = await listen({
    ...options.listen,
    limits,
    judge: (headers) => doorkeeper.judge(headers),
    onRefused(refusal) {
      refusals[refusal] += 1;
    },
    onAccepted(accepted: Accepted) {
      const tunnel = tunnels.get(accepted.hello.node);
      if (tunnel === undefined) accepted.websocket.terminate();
      else tunnel.accept(accepted);
    },
  });
  const send = createSender({ tun, pool, limits, drops, directory: () => ({ own, routes, given: givenTypes }) });
  const watch = tun.watch(send);
  void beat();

  async function beat(): Promise<void> {
    while (!stop.signal.aborted) {
      const pace = Math.max(1, links.size / limits.linksPerHeartbeat);
      await clock.sleep(limits.heartbeatMs * pace, stop.signal).catch(() => {});
      if (stop.signal.aborted) return;
      for (const tunnel of tunnels.values()) tunnel.heartbeat();
    }
  }

  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    signal.removeEventListener("abort", dispose);
    stop.abort();
    watch[Symbol.dispose]();
    for (const tunnel of [...tunnels.values()]) closeTunnel(tunnel, "going-away");
    await Promise.all([listener[Symbol.asyncDispose](), ...[...links].map((link) => link.gone)]);
  }
  const dispose = () => {
    ending ??= end();
    return ending;
  };
  signal.addEventListener("abort", dispose, { once: true });
  if (signal.aborted) await dispose();

  return {
    port: listener.port,
    set(view) {
      if (stop.signal.aborted) return;
      const wanted = new Map(view.peers.filter(({ name }) => name !== view.self.name).map((peer) => [peer.name, peer]));
      // What this node proved under its old name is worth nothing under the new one.
      const renamed = self !== undefined && self.name !== view.self.name;
      self = view.self;
      for (const tunnel of [...tunnels.values()]) {
        if (renamed || !wanted.has(tunnel.peer.name)) closeTunnel(tunnel, "no-longer-a-peer");
      }
      for (const peer of wanted.values()) {
        const tunnel = tunnels.get(peer.name);
        if (tunnel === undefined) tunnels.set(peer.name, openTunnel(peer, view.self.name));
        else tunnel.update(peer);
      }
      own = createAddressSet(blocksOf(view.self));
      routes = createRoutingTable(
        [...tunnels.values()].flatMap((target) => blocksOf(target.peer).map((cidr) => ({ cidr, target }))),
      );
      adaptOffloads();
    },
    setOffload(on) {
      offloading = on;
      adaptOffloads();
    },
    status: () => ({
      peers: [...tunnels.values()].map((tunnel) => tunnel.status()),
      drops: { ...drops },
      refusals: { ...refusals },
    }),
    [Symbol.asyncDispose]: dispose,
  };
}
