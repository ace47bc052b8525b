/* One question to one other name server: over UDP from a fresh port with a random id, and over TCP where the answer was too long.
 * What comes back is an answer only where it repeats id and question. */

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { on, once } from "node:events";
import { connect } from "node:net";
import { AppError } from "#core/errors.ts";
import { flagBits, headerBytes, type Query, readQuestion } from "./query.ts";
import { ednsBytesMax, header, optionOf } from "./reply.ts";

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export interface Exchange {
  readonly upstream: Upstream;
  readonly query: Query;
  /** Aborts when the time is over. */
  readonly signal: AbortSignal;
  /** Something came that is no answer to this. */
  readonly onStrange: () => void;
}

/** The whole answer; throws where there is none. */
export async function ask(exchange: Exchange): Promise<Buffer> {
  const id = randomInt(0x10000);
  const message = messageFor(id, exchange.query);
  const answer = await askByUdp(exchange, message);
  return (answer.readUInt16BE(2) & flagBits.truncated) === 0 ? answer : await askByTcp(exchange, message);
}

function messageFor(id: number, query: Query): Buffer {
  const option = optionOf({ ...query, edns: { version: 0, payloadBytes: ednsBytesMax, dnssecOk: false } }, 0);
  return Buffer.concat([header(id, flagBits.recursionDesired, [1, 0, 0, 1]), query.question, option]);
}

async function askByUdp({ upstream, query, signal, onStrange }: Exchange, message: Buffer): Promise<Buffer> {
  const socket = createSocket("udp4");
  // What comes after the answer concerns nobody.
  socket.on("error", () => {});
  try {
    const answers = on(socket, "message", { signal });
    socket.connect(upstream.port, upstream.host);
    await once(socket, "connect", { signal });
    socket.send(message);
    for await (const [answer] of answers) {
      if (isAnswerTo(answer, message, query)) return answer;
      onStrange();
    }
    throw new AppError("unavailable", "the socket was closed");
  } finally {
    socket.close();
  }
}

async function askByTcp({ upstream, query, signal }: Exchange, message: Buffer): Promise<Buffer> {
  const socket = connect({ ...upstream, signal });
  try {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
    let received: Buffer = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) continue;
      const answer = received.subarray(2, 2 + received.readUInt16BE(0));
      if (isAnswerTo(answer, message, query)) return answer;
      break;
    }
    throw new AppError("unavailable", "no answer over TCP");
  } finally {
    socket.destroy();
  }
}

function isAnswerTo(answer: Buffer, message: Buffer, query: Query): boolean {
  if (answer.length < headerBytes || answer.readUInt16BE(0) !== message.readUInt16BE(0)) return false;
  if ((answer.readUInt16BE(2) & flagBits.response) === 0 || answer.readUInt16BE(4) !== 1) return false;
  const question = readQuestion(answer);
  return question?.name === query.name && question.type === query.type && question.class === query.class;
}
