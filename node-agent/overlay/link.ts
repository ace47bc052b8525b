/* One proved connection to a peer, whichever side dialled it. Packets are best effort: what can't go out now is dropped.
 *
 * Liveness is counted in heartbeats and not in time: an agent that was stopped for ten seconds must not take its own
 * silence for its peers'. It counts bytes of the socket and not messages: one long message over a slow path may take longer
 * than the limit. */

import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Clock } from "#core/clock.ts";
import { sendDirectly } from "#kernel/direct-send.ts";
import { type Memory, memoryOf } from "#kernel/ffi.ts";
import type { MessageHandler } from "./inlet.ts";
import type { OverlayLimits } from "./limits.ts";
import type { MessageSink } from "./outbox.ts";
import { writeMessageHeader } from "./websocket-frame.ts";

/** The codes that this side closes with; `ws` adds those of RFC 6455 for broken WebSocket frames. */
const closeCodes = {
  "going-away": 1001,
  "not-binary": 1003,
  replaced: 4000,
  "no-longer-a-peer": 4001,
} as const;
export type CloseReason = keyof typeof closeCodes;

/** Cut without a closing handshake, since nobody would answer it. */
type CutReason = "silent" | "stalled" | "peer-restarted";

export interface Link extends MessageSink {
  /** Which side this node is: a server's messages go unmasked. */
  readonly role: "accepted" | "dialled";
  /** Of the peer's run. */
  readonly instance: string;
  /** What this process still holds for the socket. */
  readonly queuedBytes: number;
  readonly roundTripMs: number | undefined;
  /** A frame found no room. Remembered until the socket takes something. */
  noteFull(): void;
  /** Once every `heartbeatMs`: pings, and cuts a connection that is silent or stalled. */
  heartbeat(): void;
  close(reason: CloseReason): void;
  /** The socket is gone: at most two seconds after the end. */
  readonly gone: Promise<void>;
  cut(reason: CutReason): void;
}

export interface LinkOptions {
  readonly websocket: WebSocket;
  readonly socket: Socket;
  readonly role: Link["role"];
  readonly instance: string;
  readonly clock: Clock;
  readonly limits: OverlayLimits;
  readonly onMessage: MessageHandler;
  /** Once, when the connection is of no more use. */
  onEnd(link: Link, reason: string): void;
}

// A peer that asks without reading the answers would fill this process.
const pongQueueBytesMax = 64 * 1024;
const binary = { binary: true, compress: false };

export function createLink({ websocket, socket, role, instance, clock, limits, onMessage, onEnd }: LinkOptions): Link {
  let queuedBytes = 0;
  let fullHeartbeats = 0;
  let full = false;
  let silentHeartbeats = 0;
  let bytesSeen = socket.bytesRead;
  let ping: { readonly payload: Buffer; readonly sentMs: number } | undefined;
  let roundTripMs: number | undefined;
  let ended = false;

  const gone = new Promise<void>((resolve) => websocket.once("close", () => resolve()));
  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    onEnd(link, reason);
  };

  websocket.on("message", (data, isBinary) => {
    if (ended) return;
    if (isBinary && Buffer.isBuffer(data)) onMessage(memoryOf(data), 0, data.length);
    else link.close("not-binary");
  });
  websocket.on("ping", (data) => {
    if (websocket.bufferedAmount <= limits.queueBytesMax + pongQueueBytesMax) websocket.pong(data);
  });
  websocket.on("pong", (data) => {
    if (ping?.payload.equals(data)) {
      roundTripMs = clock.monotonicMs() - ping.sentMs;
      ping = undefined;
    }
  });
  websocket.on("error", (error) => end(error.message));
  websocket.on("close", (code, reason) => end(`closed with ${code}${reason.length > 0 ? ` (${reason.toString()})` : ""}`));

  const moved = (report: () => void) => {
    full = false;
    fullHeartbeats = 0;
    report();
  };

  /** For the end of a write of `length` bytes that this process holds until then. */
  const taken = (length: number, report: () => void) => {
    queuedBytes += length;
    return (error?: Error | null) => {
      queuedBytes -= length;
      moved(report);
      // The peer closed it, and what is sent from now on would be lost too.
      if (error) end(error.message);
    };
  };

  /* Past `ws` and Node's streams, since a server's frame is a few bytes before the message: with one TCP stream 6.8 Gbit/s went through
   * where 5.8 did before, and the 99th of a hundred round trips took 0.4 ms and not 1.0. `ws` writes its pings and closing frames to the
   * same socket, and never half a frame: those of both keep their order. */
  const sendFramed = (memory: Memory, from: number, to: number, report: () => void) => {
    const start = from - writeMessageHeader(memory.bytes, from, to - from);
    const rest = start + sendDirectly(socket, memory, start, to);
    if (rest === to) moved(report);
    else socket.write(memory.bytes.subarray(rest, to), taken(to - rest, report));
  };

  const link: Link = {
    role,
    instance,
    gone,
    get queuedBytes() {
      return queuedBytes;
    },
    get roundTripMs() {
      return roundTripMs;
    },
    send(memory, from, to, report) {
      if (role === "accepted" && websocket.readyState === websocket.OPEN) sendFramed(memory, from, to, report);
      else {
        const sent = taken(to - from, report);
        websocket.send(memory.bytes.subarray(from, to), binary, sent);
      }
    },
    noteFull() {
      full = true;
    },
    heartbeat() {
      silentHeartbeats = socket.bytesRead === bytesSeen ? silentHeartbeats + 1 : 0;
      bytesSeen = socket.bytesRead;
      if (silentHeartbeats >= limits.silentHeartbeatsMax) return link.cut("silent");
      fullHeartbeats = full ? fullHeartbeats + 1 : 0;
      if (fullHeartbeats >= limits.fullHeartbeatsMax) return link.cut("stalled");
      // A late answer still counts: the next ping waits for it, so the queue holds one at most.
      if (ping !== undefined) return;
      const payload = Buffer.alloc(8);
      payload.writeDoubleBE(clock.monotonicMs());
      ping = { payload, sentMs: clock.monotonicMs() };
      websocket.ping(payload);
    },
    close(reason) {
      websocket.close(closeCodes[reason], reason);
      end(reason);
    },
    cut(reason) {
      websocket.terminate();
      end(reason);
    },
  };
  return link;
}
