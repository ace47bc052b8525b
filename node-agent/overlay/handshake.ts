/* Who is at the other end. Both sides prove that they hold the pair's key: the client in the headers of its upgrade request,
 * the server in those of its 101 answer, which also covers the request. docs/wire-protocol.md has the exact input.
 *
 * Pure: keys, times and nonces are arguments. Headers are read here and nowhere else. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { type GsoType, gsoTypes } from "#core/frames.ts";

export const subprotocol = "podwire.overlay.v1";
export const nonceBytes = 16;

export interface Hello {
  /** The client's name. */
  readonly node: string;
  /** Whom it means to reach. */
  readonly peer: string;
  /** Milliseconds since 1970 by the client's clock. */
  readonly timeMs: number;
  readonly nonce: string;
  /** Of this run of the client's agent: another one means that the agent was started anew. */
  readonly instance: string;
  /** The header as it came: names that this side does not know are proved too, and then ignored. */
  readonly offload: string;
  /** base64url of 32 bytes. */
  readonly proof: string;
}

export interface Answer {
  readonly nonce: string;
  readonly instance: string;
  /** The header as it came: names that this side does not know are proved too, and then ignored. */
  readonly offload: string;
  readonly proof: string;
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export function makeHello(fields: Omit<Hello, "proof">, key: Uint8Array): Hello {
  return { ...fields, proof: helloProof(fields, key) };
}

export function makeAnswer(fields: Omit<Answer, "proof">, hello: Hello, key: Uint8Array): Answer {
  return { ...fields, proof: answerProof(fields, hello, key) };
}

export function helloProves(hello: Hello, key: Uint8Array): boolean {
  return sameProof(hello.proof, helloProof(hello, key));
}

export function answerProves(answer: Answer, hello: Hello, key: Uint8Array): boolean {
  return sameProof(answer.proof, answerProof(answer, hello, key));
}

export function helloHeaders(hello: Hello): Record<string, string> {
  return {
    "Podwire-Node": hello.node,
    "Podwire-Peer": hello.peer,
    "Podwire-Time": String(hello.timeMs),
    "Podwire-Nonce": hello.nonce,
    "Podwire-Instance": hello.instance,
    "Podwire-Offload": hello.offload,
    "Podwire-Proof": hello.proof,
  };
}

export function answerHeaders(answer: Answer): Record<string, string> {
  return {
    "Podwire-Nonce": answer.nonce,
    "Podwire-Instance": answer.instance,
    "Podwire-Offload": answer.offload,
    "Podwire-Proof": answer.proof,
  };
}

/** Undefined where a header is missing or is not of its form. */
export function readHello(headers: Headers): Hello | undefined {
  const node = textHeader(headers, "podwire-node", nodeName);
  const peer = textHeader(headers, "podwire-peer", nodeName);
  const timeMs = textHeader(headers, "podwire-time", decimal);
  const answer = readAnswer(headers);
  if (node === undefined || peer === undefined || timeMs === undefined || answer === undefined) return undefined;
  return { node, peer, timeMs: Number(timeMs), ...answer };
}

export function readAnswer(headers: Headers): Answer | undefined {
  const nonce = textHeader(headers, "podwire-nonce", token128);
  const instance = textHeader(headers, "podwire-instance", token128);
  const offload = textHeader(headers, "podwire-offload", offloadList);
  const proof = textHeader(headers, "podwire-proof", token256);
  if (nonce === undefined || instance === undefined || offload === undefined || proof === undefined) return undefined;
  return { nonce, instance, offload, proof };
}

export function formatOffloads(types: readonly GsoType[]): string {
  return types.length === 0 ? "none" : types.join(",");
}

/** The types that this side knows; others are of a later protocol. */
export function parseOffloads(text: string): readonly GsoType[] {
  const named = text.split(",");
  return gsoTypes.filter((type) => named.includes(type));
}

const nodeName = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
const decimal = /^[0-9]{1,15}$/;
const token128 = /^[A-Za-z0-9_-]{22}$/;
const token256 = /^[A-Za-z0-9_-]{43}$/;
const offloadList = /^[a-z0-9]{1,16}(,[a-z0-9]{1,16}){0,15}$/;

function textHeader(headers: Headers, name: string, form: RegExp): string | undefined {
  const value = headers[name];
  return typeof value === "string" && form.test(value) ? value : undefined;
}

function helloProof(hello: Omit<Hello, "proof">, key: Uint8Array): string {
  return proofOf(key, ["client", hello.node, hello.peer, String(hello.timeMs), hello.nonce, hello.instance, hello.offload]);
}

/** The client's proof stands for all that the client said. */
function answerProof(answer: Omit<Answer, "proof">, hello: Hello, key: Uint8Array): string {
  return proofOf(key, ["server", hello.proof, answer.nonce, answer.instance, answer.offload]);
}

/** No field can hold a line break, so the lines can be read in one way only. */
function proofOf(key: Uint8Array, lines: readonly string[]): string {
  return createHmac("sha256", key)
    .update([subprotocol, ...lines, ""].join("\n"))
    .digest("base64url");
}

/** In a time that tells nothing of where they differ. */
function sameProof(a: string, b: string): boolean {
  const bytesA = Buffer.from(a, "base64url");
  const bytesB = Buffer.from(b, "base64url");
  return bytesA.length === bytesB.length && timingSafeEqual(bytesA, bytesB);
}
