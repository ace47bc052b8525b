/* The socket of a dialled connection, read without garbage. Node makes a new 64 KiB buffer for each read and `ws` joins the
 * pieces of a message into another one: half of a busy receiver's time went there. Here the kernel writes into one buffer
 * that is used again and again, and a whole binary frame is handed on where it lies.
 *
 * Everything else goes on to `ws` unchanged: the HTTP answer, pings, pongs, the closing handshake, fragmented or oversized
 * messages, and all that breaks the rules. So `ws` remains the judge of the protocol, and sees a stream that merely lacks some
 * frames. Nothing is looked at before `start`: until then the other side has proved nothing.
 *
 *   buffer:  | done | at: a frame begins | filled: the next read goes here | */

import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { allocateMemory, type Memory } from "#kernel/ffi.ts";

/** A message is the bytes from `from` up to `to`; they are the receiver's until it returns. */
export type MessageHandler = (memory: Memory, from: number, to: number) => void;

export interface Inlet {
  readonly socket: Socket;
  /** What `ws` takes for the socket. */
  readonly stream: Duplex;
  /** From now on whole binary frames go to `onMessage`. */
  start(onMessage: MessageHandler): void;
}

export interface InletOptions {
  readonly host: string;
  readonly port: number;
  /** Longer ones are left to `ws`, which closes the connection. */
  readonly messageBytesMax: number;
}

/** Bounds the work of one callback: libuv calls again up to 32 times while reads come back full. */
const readBytesMax = 128 * 1024;
const headerBytesMax = 14;
const endOfHead = Buffer.from("\r\n\r\n");

type Phase =
  | { readonly phase: "head" }
  | { readonly phase: "held" }
  | { readonly phase: "frames"; readonly onMessage: MessageHandler };

export function openInlet({ host, port, messageBytesMax }: InletOptions): Inlet {
  const memory = allocateMemory(2 * (messageBytesMax + headerBytesMax) + readBytesMax);
  const { bytes } = memory;
  let phase: Phase = { phase: "head" };
  let at = 0;
  let filled = 0;
  let passBytes = 0; // of the frame at `at`, still to go to ws
  let fragmented = false;
  let blocked = false; // ws wants no more for now

  const room = () => {
    if (at === filled) {
      at = 0;
      filled = 0;
    } else if (bytes.length - filled < readBytesMax) {
      bytes.copyWithin(0, at, filled);
      filled -= at;
      at = 0;
    }
    return bytes.subarray(filled, filled + readBytesMax);
  };

  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: room,
      callback(length) {
        filled += length;
        advance();
        return wantsMore();
      },
    },
  });

  const stream = new Duplex({
    read() {
      if (!blocked) return;
      blocked = false;
      advance();
      if (wantsMore()) socket.resume();
    },
    write(chunk, _encoding, done) {
      socket.write(chunk, done);
    },
    writev(chunks, done) {
      socket.cork();
      chunks.forEach(({ chunk }, index) => {
        socket.write(chunk, index === chunks.length - 1 ? done : undefined);
      });
      socket.uncork();
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on("end", () => stream.push(null));
  socket.on("error", (error) => stream.destroy(error));
  socket.on("close", () => stream.destroy());

  const wantsMore = () => phase.phase !== "held" && !blocked;

  const pass = (length: number) => {
    // A copy: ws keeps what it gets. And `at` moves first, since a push may come back here through `start`.
    const copy = Buffer.from(bytes.subarray(at, at + length));
    at += length;
    if (!stream.push(copy)) blocked = true;
  };

  const advance = () => {
    switch (phase.phase) {
      case "head": {
        const end = bytes.subarray(at, filled).indexOf(endOfHead);
        if (end >= 0) phase = { phase: "held" };
        pass(end >= 0 ? end + endOfHead.length : Math.max(0, filled - at - endOfHead.length + 1));
        return;
      }
      case "held":
        return;
      case "frames":
        while (!blocked && at < filled && frame(phase.onMessage)) {}
        return;
    }
  };

  /** Deals with what is at `at`; false where more bytes are needed. */
  const frame = (onMessage: MessageHandler): boolean => {
    if (passBytes > 0) {
      const length = Math.min(passBytes, filled - at);
      passBytes -= length;
      pass(length);
      return true;
    }
    const headerLength = frameHeaderLength(bytes, at, filled);
    if (headerLength === 0) return false;
    const payloadLength = framePayloadLength(bytes, at);
    if (!fragmented && isWholeBinary(bytes, at) && payloadLength <= messageBytesMax) {
      const from = at + headerLength;
      const to = from + payloadLength;
      if (to > filled) return false;
      at = to;
      onMessage(memory, from, to);
      return true;
    }
    fragmented = fragmentedAfter(bytes, at, fragmented);
    passBytes = headerLength + payloadLength;
    return true;
  };

  return {
    socket,
    stream,
    start(onMessage) {
      phase = { phase: "frames", onMessage };
      advance();
      if (wantsMore()) socket.resume();
    },
  };
}

/** FIN, no extension, opcode 2, not masked. */
function isWholeBinary(bytes: Buffer, at: number): boolean {
  return bytes[at] === 0x82 && (byte(bytes, at + 1) & 0x80) === 0;
}

/** 0 where it is not all there. */
function frameHeaderLength(bytes: Buffer, at: number, end: number): number {
  if (end - at < 2) return 0;
  const second = byte(bytes, at + 1);
  const short = second & 0x7f;
  const length = 2 + (short === 127 ? 8 : short === 126 ? 2 : 0) + ((second & 0x80) === 0 ? 0 : 4);
  return end - at < length ? 0 : length;
}

/** The header must be all there. Past 2^53 it is no exact number any more, and much too long either way. */
function framePayloadLength(bytes: Buffer, at: number): number {
  const short = byte(bytes, at + 1) & 0x7f;
  if (short === 126) return bytes.readUInt16BE(at + 2);
  return short === 127 ? bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6) : short;
}

/** Whether a message is open after the frame at `at`: control frames, from opcode 8 on, may come in between. */
function fragmentedAfter(bytes: Buffer, at: number, before: boolean): boolean {
  const first = byte(bytes, at);
  return (first & 0x0f) >= 8 ? before : (first & 0x80) === 0;
}

function byte(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}
