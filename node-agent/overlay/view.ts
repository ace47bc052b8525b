/* What the control plane wants of the overlay: who this node is, and whom it reaches how. */

import type { Cidr } from "#core/cidr.ts";
import type { Ipv4 } from "#core/ipv4.ts";
import { hostRoute } from "#core/routing-table.ts";

export interface OverlayPeer {
  readonly name: string;
  readonly podCidrs: readonly Cidr[];
  readonly nodeAddress: Ipv4;
  /** host:port, where its tunnels listen. */
  readonly endpoint: string;
  /** 32 bytes that only this pair holds. */
  readonly key: Uint8Array;
}

export interface OverlaySelf {
  readonly name: string;
  readonly podCidrs: readonly Cidr[];
  readonly nodeAddress: Ipv4;
}

export interface OverlayView {
  readonly self: OverlaySelf;
  readonly peers: readonly OverlayPeer[];
}

/** The addresses that are a node's: those of its pods, and its own. */
export function blocksOf(node: Pick<OverlaySelf, "podCidrs" | "nodeAddress">): readonly Cidr[] {
  return [...node.podCidrs, hostRoute(node.nodeAddress)];
}
