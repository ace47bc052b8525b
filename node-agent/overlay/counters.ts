/* What a tunnel moved and what it did not. Plain numbers in one object: the hot loops add to them. */

import type { FrameProblem } from "#core/frames.ts";

/** Why a frame from the TUN did not go out. */
export type SendDrop =
  | FrameProblem
  | "spoofed" // its source is not of this node
  | "no-peer" // no peer has its destination
  | "not-connected"
  | "queue-full";

/** Why a frame from a peer did not reach the TUN. */
export type ReceiveDrop =
  | FrameProblem
  | "spoofed" // its source is not of that peer
  | "transit" // its destination is not of this node
  | "tun-refused";

export type Drops<Reason extends string> = Record<Reason, number>;

export interface Traffic {
  /** Packets with their virtio-net headers. */
  bytes: number;
  /** As they would be on a wire: one frame of TCP or UDP may stand for dozens. */
  packets: number;
  frames: number;
  messages: number;
}

export function emptyTraffic(): Traffic {
  return { bytes: 0, packets: 0, frames: 0, messages: 0 };
}

const noProblems = { malformed: 0, ipv6: 0, "bad-flags": 0, "bad-gso": 0, "bad-checksum-range": 0 };

export function noSendDrops(): Drops<SendDrop> {
  return { ...noProblems, spoofed: 0, "no-peer": 0, "not-connected": 0, "queue-full": 0 };
}

export function noReceiveDrops(): Drops<ReceiveDrop> {
  return { ...noProblems, spoofed: 0, transit: 0, "tun-refused": 0 };
}
