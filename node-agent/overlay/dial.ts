/* The client's side of a connection: dial, prove, see the proof of the other side. */

import { randomBytes } from "node:crypto";
import type { connect } from "node:net";
import { WebSocket } from "ws";
import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import { type Answer, answerProves, helloHeaders, makeHello, nonceBytes, readAnswer, subprotocol } from "./handshake.ts";
import { type Inlet, openInlet } from "./inlet.ts";
import { type OverlayLimits, websocketOptions } from "./limits.ts";

export interface DialOptions {
  /** Names. */
  readonly self: string;
  readonly peer: string;
  /** host:port */
  readonly endpoint: string;
  readonly key: Uint8Array;
  readonly instance: string;
  readonly offload: string;
  readonly clock: Clock;
  readonly limits: OverlayLimits;
  readonly signal: AbortSignal;
}

export interface Dialled {
  readonly answer: Answer;
  readonly websocket: WebSocket;
  readonly inlet: Inlet;
}

/**
 * Calls `onOpen` in the very turn in which the connection opens, since frames may come in the next, and answers undefined;
 * or answers why there is no connection.
 */
export function dial(options: DialOptions, onOpen: (dialled: Dialled) => void): Promise<string | undefined> {
  const { self, peer, key, instance, offload, clock, limits, signal } = options;
  const nonce = randomBytes(nonceBytes).toString("base64url");
  const hello = makeHello({ node: self, peer, timeMs: Math.floor(clock.wallMs()), nonce, instance, offload }, key);
  return new Promise((resolve) => {
    let opened: { readonly websocket: WebSocket; readonly inlet: Inlet };
    try {
      opened = openWebSocket(options, helloHeaders(hello));
    } catch (error) {
      // An endpoint that is no host:port.
      resolve(messageOf(error));
      return;
    }
    const { websocket, inlet } = opened;
    let proved: Answer | undefined;
    let settled = false;
    const settle = (problem: string | undefined) => {
      if (settled) return;
      settled = true;
      signal.removeEventListener("abort", abort);
      deadline.removeEventListener("abort", abort);
      resolve(problem);
      if (problem !== undefined) websocket.terminate();
    };
    // The inlet is no net.Socket, so ws's own handshakeTimeout would never fire.
    const deadline = AbortSignal.timeout(limits.handshakeMs);
    const abort = () => settle(signal.aborted ? "cancelled" : `no answer within ${limits.handshakeMs} ms`);
    signal.addEventListener("abort", abort, { once: true });
    deadline.addEventListener("abort", abort, { once: true });

    websocket.on("error", (error) => settle(error.message));
    websocket.on("unexpected-response", (_request, response) => {
      const refusal = response.headers["podwire-refusal"];
      settle(`refused with ${response.statusCode}${typeof refusal === "string" ? ` (${refusal})` : ""}`);
    });
    websocket.on("upgrade", (response) => {
      const answer = readAnswer(response.headers);
      if (answer === undefined || !answerProves(answer, hello, key)) {
        settle("the other side does not prove that it holds this pair's key");
        return;
      }
      proved = answer;
    });
    websocket.on("open", () => {
      if (settled || proved === undefined) return websocket.terminate();
      onOpen({ answer: proved, websocket, inlet });
      settle(undefined);
    });
    websocket.on("close", () => settle("the connection was closed during the handshake"));
    if (signal.aborted) abort();
  });
}

function openWebSocket({ endpoint, limits }: DialOptions, headers: Record<string, string>) {
  const url = new URL(`ws://${endpoint}/`);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const inlet = openInlet({ host, port: Number(url.port || 80), messageBytesMax: limits.messageBytesMax });
  const websocket = new WebSocket(url, [subprotocol], {
    ...websocketOptions(limits),
    headers,
    followRedirects: false,
    // http takes any Duplex here; its types know sockets only.
    createConnection: (() => inlet.stream) as unknown as typeof connect,
  });
  return { websocket, inlet };
}
