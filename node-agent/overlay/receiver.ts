/* From a peer to the TUN. A peer has proved its name, not that it means well: each frame is looked at before the kernel sees
 * it, and may come only from that peer's addresses and go only to this node's. There is no transit. */

import type { AddressSet } from "#core/address-set.ts";
import { frameLengthAt, frameProblem, type GsoTypeSet, packetCount, recordPrefixBytes, vnetHeaderBytes } from "#core/frames.ts";
import { ipv4Destination, ipv4Source } from "#core/packet.ts";
import type { Memory } from "#kernel/ffi.ts";
import type { Tun } from "#kernel/tun.ts";
import type { Drops, ReceiveDrop, Traffic } from "./counters.ts";

interface Sender {
  /** The addresses that are the peer's. */
  readonly sources: AddressSet;
  readonly received: Traffic;
  readonly receiveDrops: Drops<ReceiveDrop>;
}

export interface ReceiverOptions {
  readonly tun: Tun;
  /** What this node named in its handshakes. */
  readonly accepted: GsoTypeSet;
  /** This node's own addresses. */
  own(): AddressSet;
}

/** Takes the message that lies in `memory` from `from` up to `to`. Total: any bytes are delivered, or dropped and counted. */
export type Receive = (sender: Sender, memory: Memory, from: number, to: number) => void;

export function createReceiver({ tun, accepted, own }: ReceiverOptions): Receive {
  return (sender, memory, from, to) => {
    const { sources, received, receiveDrops } = sender;
    received.messages += 1;
    const message = memory.bytes;
    const destinations = own();
    let at = from;
    while (at < to) {
      const length = frameLengthAt(message, at, to);
      if (length < 0) {
        // Nobody can say where the next record begins: the rest of the message counts as one.
        receiveDrops.malformed += 1;
        return;
      }
      const frameAt = at + recordPrefixBytes;
      at = frameAt + length;
      const problem = frameProblem(message, frameAt, length, accepted);
      if (problem !== undefined) receiveDrops[problem] += 1;
      else if (!sources.contains(ipv4Source(message, frameAt + vnetHeaderBytes))) receiveDrops.spoofed += 1;
      else if (!destinations.contains(ipv4Destination(message, frameAt + vnetHeaderBytes))) receiveDrops.transit += 1;
      else if (!tun.write(memory, frameAt, length)) receiveDrops["tun-refused"] += 1;
      else {
        received.frames += 1;
        received.bytes += length;
        received.packets += packetCount(message, frameAt, length);
      }
    }
  };
}
