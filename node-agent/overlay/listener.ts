/* Where peers dial in. Until a socket has proved whose it is, it may cost this process next to nothing: few at a time, small
 * headers, five seconds. */

import { createServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { AppError, messageOf } from "#core/errors.ts";
import { type Admission, type Refusal, refusalStatus } from "./admission.ts";
import { type Answer, answerHeaders, type Headers, type Hello, subprotocol } from "./handshake.ts";
import { type OverlayLimits, websocketOptions } from "./limits.ts";

export interface Accepted {
  readonly hello: Hello;
  readonly websocket: WebSocket;
  readonly socket: Socket;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly limits: OverlayLimits;
  judge(headers: Headers): Admission;
  onAccepted(accepted: Accepted): void;
  onRefused(refusal: Refusal): void;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
}

const headerBytesMax = 8 * 1024;

/** "failed-precondition" where the port is taken or the address is not this host's. */
export async function listen({ host, port, limits, judge, onAccepted, onRefused }: ListenerOptions): Promise<Listener> {
  const server = createServer({
    headersTimeout: limits.handshakeMs,
    requestTimeout: limits.handshakeMs,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: 1,
    maxHeaderSize: headerBytesMax,
    noDelay: true,
  });
  const websockets = new WebSocketServer({
    ...websocketOptions(limits),
    noServer: true,
    clientTracking: false,
    handleProtocols: () => subprotocol,
  });
  const answers = new WeakMap<IncomingMessage, Answer>();
  websockets.on("headers", (lines, request) => {
    const answer = answers.get(request);
    if (answer === undefined) return;
    for (const [name, value] of Object.entries(answerHeaders(answer))) lines.push(`${name}: ${value}`);
  });

  const strangers = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    // The oldest goes, not the newest: a peer proves itself in one round trip, whoever only holds sockets never does.
    if (strangers.size >= limits.strangersMax) {
      for (const oldest of strangers) {
        oldest.destroy();
        strangers.delete(oldest);
        onRefused("busy");
        break;
      }
    }
    strangers.add(socket);
    socket.once("close", () => strangers.delete(socket));
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("request", (_request, response) => {
    response.writeHead(426, { Connection: "close", Upgrade: "websocket", "Sec-WebSocket-Protocol": subprotocol });
    response.end();
  });
  server.on("upgrade", (request, duplex: Duplex, head) => {
    const socket = duplex as Socket;
    const admission = judge(request.headers);
    if (!admission.admitted) {
      onRefused(admission.refusal);
      refuse(socket, admission.refusal);
      return;
    }
    strangers.delete(socket);
    answers.set(request, admission.answer);
    websockets.handleUpgrade(request, socket, head, (websocket) => {
      onAccepted({ hello: admission.hello, websocket, socket });
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        new AppError("failed-precondition", `cannot listen for tunnels on ${host}:${port}: ${messageOf(error)}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of strangers) socket.destroy();
      await closed;
    },
  };
}

function refuse(socket: Socket, refusal: Refusal): void {
  const status = refusalStatus[refusal];
  socket.on("error", () => socket.destroy());
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n` +
      `Sec-WebSocket-Protocol: ${subprotocol}\r\nPodwire-Refusal: ${refusal}\r\n\r\n`,
  );
  socket.destroySoon();
}
