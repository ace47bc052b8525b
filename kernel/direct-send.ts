/* Bytes to a connection without Node's streams, for whoever sends thousands of messages in a second from memory of its own. */

import type { Socket } from "node:net";
import { libc, type Memory } from "./ffi.ts";

// bits/socket.h: never wait; an error and no signal where the other side is gone.
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Hands the kernel as much of `memory` from `from` up to `to` as it takes at once. Answers how many bytes those are: 0 where the socket is
 * full, closed or broken, or where Node still holds bytes that come first. What is left goes through the stream, which says what is wrong.
 */
export function sendDirectly(socket: Socket, memory: Memory, from: number, to: number): number {
  if (socket.writableLength > 0 || socket.destroyed) return 0;
  // Node has no public name for a socket's descriptor; without one everything goes through the stream.
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } | null };
  const descriptor = handle?.fd ?? -1;
  if (descriptor < 0) return 0;
  return Math.max(0, libc().send(descriptor, memory.address + from, to - from, MSG_DONTWAIT | MSG_NOSIGNAL));
}
