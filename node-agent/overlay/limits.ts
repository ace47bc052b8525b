/* Every bound of the overlay, in one place. docs/wire-protocol.md gives those that a peer can notice. */

import { recordBytesMax } from "#core/frames.ts";

export interface OverlayLimits {
  /** The longest message that is sent or taken: one batch. */
  readonly messageBytesMax: number;
  /** What may wait in this process for one connection; past it the newest frame is dropped. */
  readonly queueBytesMax: number;
  /** A connection whose queue stayed full for so many heartbeats is closed. */
  readonly fullHeartbeatsMax: number;
  readonly heartbeatMs: number;
  /** Where there are more connections, heartbeats come the more seldom: a node of a large cluster would else do little besides. */
  readonly linksPerHeartbeat: number;
  /** A connection on which nothing came for so many heartbeats is dead. */
  readonly silentHeartbeatsMax: number;
  /** Frames read from the TUN in one turn of the event loop. */
  readonly readsPerTurnMax: number;
  /** The same in bytes. */
  readonly readBytesPerTurnMax: number;
  /** Sockets that have proved nothing yet; past it the oldest is closed. */
  readonly strangersMax: number;
  /** For a whole handshake, on either side. */
  readonly handshakeMs: number;
  /** How far apart two nodes' clocks may be. */
  readonly clockSkewMsMax: number;
  /** Nonces remembered for each peer; past it the peer's connections are refused until old ones expire. */
  readonly noncesMax: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A connection that lived so long was a good one: after it the next dial is immediate. */
  readonly stableMs: number;
}

export const defaultLimits: OverlayLimits = {
  messageBytesMax: 256 * 1024,
  queueBytesMax: 1024 * 1024,
  fullHeartbeatsMax: 5,
  heartbeatMs: 1000,
  linksPerHeartbeat: 32,
  silentHeartbeatsMax: 3,
  readsPerTurnMax: 128,
  readBytesPerTurnMax: 1024 * 1024,
  strangersMax: 64,
  handshakeMs: 5000,
  clockSkewMsMax: 30_000,
  noncesMax: 1024,
  backoffFirstMs: 100,
  backoffMaxMs: 2000,
  stableMs: 1000,
};

/** A batch must have room for one record of any size, with as much again for those before it. */
export const messageBytesMin = 2 * recordBytesMax;

/** What `ws` is told on both sides: small bounds, no compression, and pings answered by us (link.ts says why). */
export function websocketOptions(limits: OverlayLimits) {
  return {
    perMessageDeflate: false,
    maxPayload: limits.messageBytesMax,
    maxFragments: 4,
    maxBufferedChunks: 1024,
    closeTimeout: 2000,
    autoPong: false,
  };
}
