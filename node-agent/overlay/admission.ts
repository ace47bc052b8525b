/* Whether a client's upgrade request opens a connection, and if not, why. */

import { randomBytes } from "node:crypto";
import type { Clock } from "#core/clock.ts";
import {
  type Answer,
  type Headers,
  type Hello,
  helloProves,
  makeAnswer,
  nonceBytes,
  readHello,
  subprotocol,
} from "./handshake.ts";
import type { OverlayLimits } from "./limits.ts";
import { createNonceMemory, type NonceMemory } from "./nonces.ts";

export const refusalStatus = {
  malformed: 400,
  unproven: 401, // an unknown name and a wrong key look the same from outside
  clock: 401,
  replayed: 401,
  "wrong-peer": 421,
  version: 426,
  busy: 503,
} as const;
export type Refusal = keyof typeof refusalStatus;

export type Admission =
  | { readonly admitted: true; readonly hello: Hello; readonly answer: Answer }
  | { readonly admitted: false; readonly refusal: Refusal };

export interface AdmissionOptions {
  /** Of this run. */
  readonly instance: string;
  readonly offload: string;
  readonly clock: Clock;
  readonly limits: OverlayLimits;
  /** This node's name. */
  self(): string;
  keyOf(peer: string): Uint8Array | undefined;
}

export interface Doorkeeper {
  judge(headers: Headers): Admission;
}

export function createDoorkeeper({ instance, offload, clock, limits, self, keyOf }: AdmissionOptions): Doorkeeper {
  // What was said before this run began may be a replay that an earlier run would have known.
  const startedMs = clock.wallMs();
  const strangerKey = randomBytes(32);
  const nonces = new Map<string, NonceMemory>();
  /** A peer that was removed may come back with the same key, so what it used stays known until it is worth nothing. */
  const memoryFor = (peer: string, nowMs: number): NonceMemory => {
    const known = nonces.get(peer);
    if (known !== undefined) return known;
    for (const [name, memory] of nonces) if (memory.isEmpty(nowMs)) nonces.delete(name);
    const memory = createNonceMemory(limits.noncesMax);
    nonces.set(peer, memory);
    return memory;
  };
  const no = (refusal: Refusal): Admission => ({ admitted: false, refusal });

  return {
    judge(headers) {
      if (!offers(headers, subprotocol)) return no("version");
      const hello = readHello(headers);
      if (hello === undefined) return no("malformed");
      if (hello.peer !== self()) return no("wrong-peer");
      const key = keyOf(hello.node);
      // A stranger costs the same work as a peer with a wrong key.
      const proves = helloProves(hello, key ?? strangerKey);
      if (key === undefined || !proves) return no("unproven");
      const skewMs = Math.abs(hello.timeMs - clock.wallMs());
      if (skewMs > limits.clockSkewMsMax || hello.timeMs < startedMs) return no("clock");
      const nowMs = clock.monotonicMs();
      switch (memoryFor(hello.node, nowMs).use(hello.nonce, { nowMs, untilMs: nowMs + 2 * limits.clockSkewMsMax })) {
        case "replayed":
          return no("replayed");
        case "full":
          return no("busy");
        case "fresh": {
          const nonce = randomBytes(nonceBytes).toString("base64url");
          return { admitted: true, hello, answer: makeAnswer({ nonce, instance, offload }, hello, key) };
        }
      }
    },
  };
}

function offers(headers: Headers, protocol: string): boolean {
  const offered = headers["sec-websocket-protocol"];
  return typeof offered === "string" && offered.split(",").some((name) => name.trim() === protocol);
}
