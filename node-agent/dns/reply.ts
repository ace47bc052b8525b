/* An answer on its way to the wire. Records are dns-packet's, each encoded once and kept as long as itself; an owner that is the
 * question's name becomes a pointer to the question, which keeps the asker's spelling and most answers short. */

import { type Answer, encode } from "dns-packet";
import { flagBits, headerBytes, type Query, type ReadQuery } from "./query.ts";

export interface Reply {
  readonly rcode: number;
  /** Ours to say, and not somebody else's answer that is passed on. */
  readonly authoritative: boolean;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  /** Left out where there is no room. */
  readonly additionals: readonly Answer[];
}

export interface ReplyOptions {
  readonly bytesMax: number;
  /** Whether names that are not ours are resolved too. */
  readonly recursive: boolean;
}

/** What the path of an answer over UDP takes without being cut into fragments. */
export const ednsBytesMax = 1232;
const plainBytesMax = 512;
const pointerToQuestion = Buffer.from([0xc0, headerBytes]);

export function emptyReply(rcode: number): Reply {
  return { rcode, authoritative: false, answers: [], authorities: [], additionals: [] };
}

/** How long an answer over UDP may be. */
export function udpBytesMax({ edns }: Query): number {
  return edns === undefined ? plainBytesMax : Math.min(Math.max(edns.payloadBytes, plainBytesMax), ednsBytesMax);
}

export function writeReply(query: Query, reply: Reply, { bytesMax, recursive }: ReplyOptions): Buffer {
  const option = optionOf(query, reply.rcode);
  const parts: Buffer[] = [query.question];
  let room = bytesMax - headerBytes - query.question.length - option.length;
  let truncated = false;
  const count = (records: readonly Answer[]): number => {
    let taken = 0;
    for (const record of records) {
      const pieces = piecesOf(record, query.name);
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      if (size > room) break;
      room -= size;
      taken += 1;
      parts.push(...pieces);
    }
    return taken;
  };
  const counts = [reply.answers, reply.authorities, reply.additionals].map((records, section) => {
    const taken = truncated ? 0 : count(records);
    if (taken < records.length && section < 2) truncated = true;
    return taken;
  });
  const [answers = 0, authorities = 0, additionals = 0] = counts;
  const flags =
    flagBits.response |
    query.flags |
    (reply.authoritative ? flagBits.authoritative : 0) |
    (truncated ? flagBits.truncated : 0) |
    (recursive ? flagBits.recursionAvailable : 0) |
    (reply.rcode & 15);
  const head = header(query.id, flags, [1, answers, authorities, additionals + (option.length === 0 ? 0 : 1)]);
  return Buffer.concat([head, ...parts, option]);
}

/** The header alone, for what could not be read any further. */
export function writeRefusal({ id, flags, rcode }: Extract<ReadQuery, { kind: "refused" }>): Buffer {
  return header(id, flagBits.response | flags | rcode, [0, 0, 0, 0]);
}

export function header(id: number, flags: number, counts: readonly [number, number, number, number]): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(flags, 2);
  for (const [i, count] of counts.entries()) bytes.writeUInt16BE(count, 4 + 2 * i);
  return bytes;
}

/** The OPT record of an answer; nothing where the query has none. */
export function optionOf({ edns }: Query, rcode: number): Buffer {
  if (edns === undefined) return Buffer.alloc(0);
  const bytes = Buffer.alloc(11);
  bytes.writeUInt16BE(41, 1);
  bytes.writeUInt16BE(ednsBytesMax, 3);
  bytes.writeUInt8(rcode >> 4, 5);
  if (edns.dnssecOk) bytes.writeUInt16BE(0x8000, 7);
  return bytes;
}

const encoded = new WeakMap<Answer, Buffer>();

function piecesOf(record: Answer, questionName: string): readonly Buffer[] {
  let bytes = encoded.get(record);
  if (bytes === undefined) {
    bytes = encode({ answers: [record] }).subarray(headerBytes);
    encoded.set(record, bytes);
  }
  if (record.name !== questionName) return [bytes];
  return [pointerToQuestion, bytes.subarray(record.name.length + 2)];
}
