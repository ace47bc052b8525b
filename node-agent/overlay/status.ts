/* What the overlay says of itself. */

import type { Refusal } from "./admission.ts";
import type { Drops, ReceiveDrop, SendDrop, Traffic } from "./counters.ts";

export type TunnelState =
  /** No connection; the first dial, or the one after a connection was lost. */
  | { readonly state: "connecting"; readonly attempt: number }
  /** No connection; the next dial is at `untilMs` of the monotonic clock. */
  | { readonly state: "backoff"; readonly attempt: number; readonly untilMs: number; readonly reason: string }
  /** One connection carries both directions. `reason` says why this node's own dial failed, where it did. */
  | { readonly state: "one-way"; readonly role: "accepted" | "dialled"; readonly reason: string | undefined }
  /** Each side dialled the other: both send unmasked. */
  | { readonly state: "open" }
  | { readonly state: "closed" };

export interface PeerStatus {
  readonly name: string;
  readonly tunnel: TunnelState;
  readonly roundTripMs: number | undefined;
  readonly queuedBytes: number;
  readonly sent: Readonly<Traffic>;
  readonly received: Readonly<Traffic>;
  readonly sendDrops: Readonly<Drops<SendDrop>>;
  readonly receiveDrops: Readonly<Drops<ReceiveDrop>>;
}

export interface OverlayStatus {
  readonly peers: readonly PeerStatus[];
  /** Frames from the TUN that were no peer's. */
  readonly drops: Readonly<Drops<SendDrop>>;
  /** Upgrade requests that opened nothing. */
  readonly refusals: Readonly<Record<Refusal, number>>;
}
