/* A TCP connection from within another network namespace. A socket belongs to the namespace in which it was made, for good: so it is
 * made there, between two switches of the main thread, and everything after that is Node's own, which never blocks. */

import { Socket } from "node:net";
import { errno, libc, socketFlags, systemCallFailed } from "./ffi.ts";
import { inNetns } from "./netns.ts";

const family = { 4: 2, 6: 10 } as const;
const streamSocket = 1;

export interface NetnsAddress {
  /** The process's own namespace where it is absent. */
  readonly netns: string | undefined;
  readonly host: string;
  readonly family: 4 | 6;
  readonly port: number;
}

/** Half-open by choice: each direction ends by itself. Rejects with Node's error of `connect`, and when the signal aborts. */
export async function connectInNetns(address: NetnsAddress, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = openSocket(address);
  const abort = () => socket.destroy(new Error("aborted"));
  signal.addEventListener("abort", abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect({ host: address.host, port: address.port, family: address.family }, () => {
        socket.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  return socket;
}

function openSocket({ netns, family }: NetnsAddress): Socket {
  if (netns === undefined) return new Socket({ allowHalfOpen: true });
  const fd = inNetns(netns, () => openDescriptor(family));
  // Read from when it is connected: before that there is nothing to read but an error.
  return new Socket({ fd, allowHalfOpen: true, manualStart: true } as ConstructorParameters<typeof Socket>[0]);
}

function openDescriptor(version: 4 | 6): number {
  const fd = libc().socket(family[version], streamSocket | socketFlags.nonBlocking | socketFlags.closeOnExec, 0);
  if (fd < 0) throw systemCallFailed("internal", "socket", errno());
  return fd;
}
