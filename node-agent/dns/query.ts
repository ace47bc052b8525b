/* A query as it came over the wire (RFC 1035, RFC 6891). The question is read here and not by dns-packet, which joins labels with
 * dots whatever they hold and forgets how the name was spelt. Never throws. */

import { decode, encode } from "dns-packet";

export interface Query {
  readonly id: number;
  /** What the answer repeats: whether recursion is desired and checking disabled. */
  readonly flags: number;
  /** The question's bytes: letters keep their case. */
  readonly question: Buffer;
  /** In lower case, without the last dot; "" is the root. A dot within a label is `\\046`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly edns: Edns | undefined;
}

export interface Edns {
  readonly version: number;
  /** How long an answer over UDP may be. */
  readonly payloadBytes: number;
  readonly dnssecOk: boolean;
}

export type ReadQuery =
  | { readonly kind: "query"; readonly query: Query }
  /** Answered with the header alone. */
  | { readonly kind: "refused"; readonly id: number; readonly flags: number; readonly rcode: number }
  /** Not answered at all: an answer to an answer could go on for ever. */
  | { readonly kind: "ignored"; readonly why: "too-short" | "not-a-query" };

export const headerBytes = 12;
export const rcodes = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const;
/** Of the header's second word. */
export const flagBits = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  checkingDisabled: 0x0010,
} as const;

export const classes = { internet: 1, any: 255 } as const;
/** The types that the cluster's zone has, as dns-packet writes them. */
export const typeNames: Readonly<Record<number, string>> = {
  1: "A",
  2: "NS",
  5: "CNAME",
  6: "SOA",
  12: "PTR",
  16: "TXT",
  33: "SRV",
  255: "ANY",
};

const nameBytesMax = 255;

export function readQuery(message: Buffer): ReadQuery {
  if (message.length < headerBytes) return { kind: "ignored", why: "too-short" };
  const id = message.readUInt16BE(0);
  const word = message.readUInt16BE(2);
  if ((word & flagBits.response) !== 0) return { kind: "ignored", why: "not-a-query" };
  const flags = word & (flagBits.opcode | flagBits.recursionDesired | flagBits.checkingDisabled);
  const refuse = (rcode: number): ReadQuery => ({ kind: "refused", id, flags, rcode });
  if ((word & flagBits.opcode) !== 0) return refuse(rcodes.notImp);
  const question = message.readUInt16BE(4) === 1 ? readQuestion(message) : undefined;
  if (question === undefined) return refuse(rcodes.formErr);
  const edns = readEdns(message);
  if (edns === "malformed") return refuse(rcodes.formErr);
  return { kind: "query", query: { id, flags, ...question, edns } };
}

/** A question has no compression: there is nothing before it that a pointer could mean. */
export function readQuestion(message: Buffer): Pick<Query, "question" | "name" | "type" | "class"> | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63 || at - headerBytes >= nameBytesMax) return undefined;
    at += 1;
    if (length === 0) break;
    labels.push(message.toString("latin1", at, at + length).replaceAll(".", "\\046"));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return {
    question: message.subarray(headerBytes, at + 4),
    name: labels.join(".").toLowerCase(),
    type: message.readUInt16BE(at),
    class: message.readUInt16BE(at + 2),
  };
}

/** A question of our own. */
export function questionOf(name: string, type: number): Pick<Query, "question" | "name" | "type" | "class"> {
  const question = encode({ questions: [{ name, type: "A" }] }).subarray(headerBytes);
  question.writeUInt16BE(type, question.length - 4);
  return { question, name, type, class: classes.internet };
}

/** A query has few records, whatever it is (CoreDNS takes as many): reading thousands that point at each other would take seconds. */
const recordsMax = [1, 1, 2];

function readEdns(message: Buffer): Edns | undefined | "malformed" {
  const counts = [6, 8, 10].map((at) => message.readUInt16BE(at));
  if (counts.every((count) => count === 0)) return undefined;
  if (counts.some((count, section) => count > (recordsMax[section] ?? 0))) return "malformed";
  try {
    const options = (decode(message).additionals ?? []).filter((record) => record.type === "OPT");
    const [option] = options;
    if (option === undefined) return undefined;
    if (options.length > 1) return "malformed";
    return { version: option.ednsVersion, payloadBytes: option.udpPayloadSize, dnssecOk: option.flag_do };
  } catch {
    return "malformed";
  }
}
