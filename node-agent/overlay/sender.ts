/* From the TUN to the peers. Runs in one turn of the event loop whenever frames wait: reads until none is left or the turn's
 * share is used up, then hands each peer what came for it as one message. What is still unread brings the next turn.
 *
 * A frame is read to where the last one went, since traffic comes in runs: a wrong guess costs a copy, a right one nothing.
 * Nothing in here waits for a peer: what finds no room is dropped and counted. */

import type { AddressSet } from "#core/address-set.ts";
import { frameProblem, type GsoTypeSet, gsoTypeSet, gsoTypes, packetCount, vnetHeaderBytes } from "#core/frames.ts";
import { ipv4Destination, ipv4Source } from "#core/packet.ts";
import type { RoutingTable } from "#core/routing-table.ts";
import type { Tun } from "#kernel/tun.ts";
import type { Drops, SendDrop } from "./counters.ts";
import type { OverlayLimits } from "./limits.ts";
import type { Link } from "./link.ts";
import { Outbox, type SlabPool } from "./outbox.ts";
import type { Tunnel } from "./tunnel.ts";

export interface Directory {
  /** This node's own addresses. */
  readonly own: AddressSet;
  readonly routes: RoutingTable<Tunnel>;
  /** The gso types that frames may have now. */
  readonly given: GsoTypeSet;
}

export interface SenderOptions {
  readonly tun: Tun;
  readonly pool: SlabPool;
  readonly limits: OverlayLimits;
  /** Of frames that are no peer's. */
  readonly drops: Drops<SendDrop>;
  directory(): Directory;
}

const anyGsoType = gsoTypeSet(gsoTypes);
const udpGsoType = gsoTypeSet(["udp"]);

/** Answers what to call when the TUN has frames. */
export function createSender({ tun, pool, limits, drops, directory }: SenderOptions): () => void {
  const nobody = new Outbox(pool);
  const waiting = new Set<Tunnel>();
  let latest: Outbox = nobody;
  /** Whose outbox is the latest. */
  let latestTunnel: Tunnel | undefined;

  const flush = (tunnel: Tunnel) => {
    const { outbox, carrier } = tunnel;
    if (carrier === undefined) return outbox.discard();
    tunnel.sent.messages += 1;
    outbox.flush(carrier);
  };

  /** Whose outbox takes the frame; undefined where it was dropped. */
  const admit = ({ own, routes }: Directory, bytes: Buffer, at: number, length: number): Tunnel | undefined => {
    const problem = frameProblem(bytes, at, length, anyGsoType);
    if (problem !== undefined) return drop(drops, problem);
    const packetAt = at + vnetHeaderBytes;
    if (!own.contains(ipv4Source(bytes, packetAt))) return drop(drops, "spoofed");
    const tunnel = routes.lookup(ipv4Destination(bytes, packetAt));
    if (tunnel === undefined) return drop(drops, "no-peer");
    const { carrier, accepts, gate } = tunnel;
    if (carrier === undefined || accepts === undefined) return drop(tunnel.sendDrops, "not-connected");
    // Still in the TUN when the peer's offload became known.
    if (accepts !== anyGsoType && frameProblem(bytes, at, length, accepts) !== undefined)
      return drop(tunnel.sendDrops, "bad-gso");
    if (gate !== undefined && gate(bytes, at, length) === "taken") return undefined;
    return hasRoom(tunnel, carrier, length) ? tunnel : undefined;
  };

  const hasRoom = ({ outbox, sendDrops }: Tunnel, carrier: Link, length: number): boolean => {
    if (carrier.queuedBytes + outbox.waitingBytes + length <= limits.queueBytesMax) return true;
    carrier.noteFull();
    drop(sendDrops, "queue-full");
    return false;
  };

  /** The frame at `frameAt` of `latest` became one with the frame before it, or was dropped for want of room. */
  const joined = (length: number): boolean => {
    if (latestTunnel?.carrier === undefined || !latest.canJoin(length)) return false;
    if (!hasRoom(latestTunnel, latestTunnel.carrier, length)) return true;
    latestTunnel.sent.bytes += latest.join();
    latestTunnel.sent.packets += 1;
    if (!latest.hasRoom) flush(latestTunnel);
    return true;
  };

  return () => {
    let readBytes = 0;
    const known = directory();
    const joinsDatagrams = (known.given & udpGsoType) !== 0;
    for (let reads = 0; reads < limits.readsPerTurnMax && readBytes < limits.readBytesPerTurnMax; reads++) {
      const { memory, frameAt } = latest;
      const length = tun.read(memory, frameAt);
      if (length === 0) break;
      readBytes += length;
      if (joined(length)) continue;
      const tunnel = admit(known, memory.bytes, frameAt, length);
      if (tunnel === undefined) continue;
      const { outbox, sent, gate } = tunnel;
      sent.frames += 1;
      sent.bytes += length;
      sent.packets += packetCount(memory.bytes, frameAt, length);
      // A gate wants each frame by itself.
      const joinable = joinsDatagrams && gate === undefined;
      if (outbox === latest) {
        outbox.commit(length, joinable);
      } else {
        outbox.commitCopy(memory.bytes, frameAt, length, joinable);
        latest.rest();
        latest = outbox;
        latestTunnel = tunnel;
      }
      waiting.add(tunnel);
      if (!outbox.hasRoom) flush(tunnel);
    }
    for (const tunnel of waiting) flush(tunnel);
    waiting.clear();
    latest.rest();
  };
}

function drop(drops: Drops<SendDrop>, reason: SendDrop): undefined {
  drops[reason] += 1;
}
