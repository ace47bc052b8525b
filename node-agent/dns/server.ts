/* The name server's sockets: UDP and TCP on one address. */

import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { DnsCounters } from "./counters.ts";
import type { Resolver } from "./resolver.ts";

export interface DnsServer extends AsyncDisposable {
  /** Rejects when a socket broke. */
  readonly broken: Promise<never>;
}

export interface DnsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly resolver: Resolver;
  readonly counters: DnsCounters;
  readonly limits?: TcpLimits;
}

export interface TcpLimits {
  readonly connectionsMax: number;
  readonly idleMs: number;
  /** Longer than any query that means something. */
  readonly messageBytesMax: number;
  /** Questions of one connection that somebody else is asked. */
  readonly inFlightMax: number;
  /** Answers that its client does not read. */
  readonly unreadBytesMax: number;
}

const tcpLimits: TcpLimits = {
  connectionsMax: 128,
  idleMs: 10_000,
  messageBytesMax: 4_096,
  inFlightMax: 16,
  unreadBytesMax: 1 << 20,
};
/** Answers over UDP that the kernel does not take. */
const unsentMax = 1_000;
/** While the process does something else, questions wait in the kernel: a thousand or so, where that allows it. */
const burstBytes = 1 << 20;

/** Rejects where the address is not this host's or the port is taken. */
export async function serveDns(options: DnsServerOptions): Promise<DnsServer> {
  await using opened = new AsyncDisposableStack();
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  opened.use(await serveUdp(options, broken.reject));
  opened.use(await serveTcp(options, broken.reject));
  const both = opened.move();
  return { broken: broken.promise, [Symbol.asyncDispose]: () => both.disposeAsync() };
}

async function serveUdp({ host, port, resolver, counters }: DnsServerOptions, onBroken: (error: Error) => void) {
  const socket = createSocket({ type: "udp4", recvBufferSize: burstBytes });
  const closed = () => new Promise<void>((resolve) => socket.close(resolve));
  socket.bind(port, host);
  try {
    await once(socket, "listening");
  } catch (error) {
    await closed();
    throw error;
  }
  socket.on("error", onBroken);
  const sent = (error: Error | null) => {
    if (error !== null) counters.dropped.unsent += 1;
  };
  const send = (answer: Buffer, to: RemoteInfo) => {
    // To port 0 Node throws: only who forges its packets asks from there.
    if (to.port === 0 || socket.getSendQueueCount() >= unsentMax) counters.dropped.unsent += 1;
    else socket.send(answer, to.port, to.address, sent);
  };
  let open = true;
  socket.on("message", (message, from) => {
    const answer = resolver.answer(message, "udp");
    if (answer === undefined) return;
    if (Buffer.isBuffer(answer)) return send(answer, from);
    void answer.then((later) => open && send(later, from));
  });
  return {
    async [Symbol.asyncDispose]() {
      open = false;
      await closed();
    },
  };
}

async function serveTcp(options: DnsServerOptions, onBroken: (error: Error) => void) {
  const { host, port, counters, limits = tcpLimits } = options;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    for (const oldest of sockets) {
      if (sockets.size < limits.connectionsMax) break;
      counters.tcp.evicted += 1;
      sockets.delete(oldest);
      oldest.destroy();
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    serveConnection(socket, options);
  });
  server.listen(port, host);
  await once(server, "listening");
  server.on("error", onBroken);
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Messages of two bytes' length and their bytes, as many as come (RFC 7766). */
function serveConnection(socket: Socket, { resolver, counters, limits = tcpLimits }: DnsServerOptions): void {
  const { idleMs, messageBytesMax, inFlightMax, unreadBytesMax } = limits;
  let unread: Buffer = Buffer.alloc(0);
  let inFlight = 0;
  const drop = (why: "idle" | "oversize" | "stalled") => {
    counters.tcp[why] += 1;
    socket.destroy();
  };
  const send = (answer: Buffer) => {
    if (socket.destroyed) return;
    const length = Buffer.allocUnsafe(2);
    length.writeUInt16BE(answer.length);
    socket.write(Buffer.concat([length, answer]));
    if (socket.writableLength > unreadBytesMax) drop("stalled");
  };
  const later = async (answer: Promise<Buffer>) => {
    inFlight += 1;
    send(await answer);
    inFlight -= 1;
    socket.resume();
    take();
  };
  const take = () => {
    while (!socket.destroyed && inFlight < inFlightMax && unread.length >= 2) {
      const length = unread.readUInt16BE(0);
      if (length > messageBytesMax) return drop("oversize");
      if (unread.length < 2 + length) return;
      const answer = resolver.answer(unread.subarray(2, 2 + length), "tcp");
      unread = unread.subarray(2 + length);
      if (answer === undefined) return socket.destroy();
      if (Buffer.isBuffer(answer)) send(answer);
      else void later(answer);
    }
    if (inFlight >= inFlightMax) socket.pause();
  };
  socket.setTimeout(idleMs, () => drop("idle"));
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    take();
  });
}
