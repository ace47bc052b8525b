/* Where frames lie between the TUN and a peer's socket. The TUN is read straight into a peer's slab, and what is in the slab
 * at the end of a turn goes to the socket as one message: nothing is copied and nothing is made for a frame.
 *
 *   slab:  | sent, the kernel has not taken it all yet | waiting: one message | room |
 *          0                                         start                   end
 *
 * (1) A slab has one owner at a time: an outbox, or the pool. (2) Bytes below `start` stay untouched until the socket has
 * reported every message of the slab. (3) A slab with nothing waiting and nothing unreported is the pool's: an idle peer
 * holds no memory, and the slab used next is the one that the processor's cache still knows. */

import { recordBytesMax, recordPrefixBytes, writeFrameLength } from "#core/frames.ts";
import { UdpRun } from "#core/udp-run.ts";
import { allocateMemory, type Memory } from "#kernel/ffi.ts";
import { messageHeaderBytesMax } from "./websocket-frame.ts";

export class Slab {
  readonly memory: Memory;
  /** Messages of it that the socket has not reported. */
  unreported = 0;
  /** The outbox that still fills it. */
  owner: Outbox | undefined;

  constructor(memory: Memory) {
    this.memory = memory;
  }
}

/** Slabs that wait to be used again. Past `idleMax` they are left to the garbage collector. */
export class SlabPool {
  readonly #slabBytes: number;
  readonly #idleMax: number;
  readonly #idle: Slab[] = [];

  constructor({ slabBytes, idleMax }: { readonly slabBytes: number; readonly idleMax: number }) {
    this.#slabBytes = slabBytes;
    this.#idleMax = idleMax;
  }

  take(owner: Outbox): Slab {
    const slab = this.#idle.pop() ?? new Slab(allocateMemory(this.#slabBytes));
    slab.owner = owner;
    return slab;
  }

  give(slab: Slab): void {
    slab.owner = undefined;
    if (this.#idle.length < this.#idleMax) this.#idle.push(slab);
  }
}

/** What takes messages away: a connection. It calls `report` once it needs the bytes no more. */
export interface MessageSink {
  /** The message lies in `memory` from `from` up to `to`; the `messageHeaderBytesMax` bytes before it are the sink's too. */
  send(memory: Memory, from: number, to: number, report: () => void): void;
}

export class Outbox {
  readonly #pool: SlabPool;
  readonly #run = new UdpRun();
  #slab: Slab | undefined;
  #start = 0;
  #end = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Bytes of the message that the next flush sends. */
  get waitingBytes(): number {
    return this.#end - this.#start;
  }

  /** Memory with room for one more frame, to be read to at `frameAt` (ask for the memory first). */
  get memory(): Memory {
    if (this.#slab !== undefined && !this.hasRoom) this.#abandon(this.#slab);
    if (this.#slab === undefined) {
      this.#slab = this.#pool.take(this);
      this.#begin(0);
    }
    return this.#slab.memory;
  }

  get frameAt(): number {
    return this.#end + recordPrefixBytes;
  }

  /** Whether another frame of any length fits; where it does not, a flush makes room. */
  get hasRoom(): boolean {
    return this.#slab === undefined || this.#slab.memory.bytes.length - this.#end >= recordBytesMax;
  }

  /** The frame of `length` bytes at `frameAt` is to be sent. `joinable`: those of its flow that follow may become one with it. */
  commit(length: number, joinable: boolean): void {
    const { bytes } = this.memory;
    if (joinable) this.#run.begin(bytes, this.frameAt, length);
    else this.#run.close();
    writeFrameLength(bytes, this.#end, length);
    this.#end += recordPrefixBytes + length;
  }

  /** Whether the frame of `length` bytes at `frameAt` can become one with the last. */
  canJoin(length: number): boolean {
    return this.#slab !== undefined && this.#run.takes(this.#slab.memory.bytes, this.frameAt, length);
  }

  /** Does so. Answers by how many bytes the last frame grew. */
  join(): number {
    const grown = this.#run.append(this.frameAt);
    this.#end += grown;
    return grown;
  }

  /** The same for a frame that was read elsewhere, because it was taken for another peer's. */
  commitCopy(from: Buffer, at: number, length: number, joinable: boolean): void {
    const { bytes } = this.memory;
    from.copy(bytes, this.frameAt, at, at + length);
    this.commit(length, joinable);
  }

  /** Hands what waits to `sink` as one message. */
  flush(sink: MessageSink): void {
    const slab = this.#slab;
    if (slab === undefined || this.#end === this.#start) return;
    this.#run.close();
    const from = this.#start;
    const to = this.#end;
    this.#begin(to);
    slab.unreported += 1;
    if (!this.hasRoom) this.#abandon(slab);
    sink.send(slab.memory, from, to, () => {
      slab.unreported -= 1;
      if (slab.unreported > 0) return;
      if (slab.owner === undefined) this.#pool.give(slab);
      else slab.owner.#settle();
    });
  }

  /** Forgets what waits: its connection went away. */
  discard(): void {
    this.#run.close();
    this.#end = this.#start;
    this.#settle();
  }

  /** After the last use of the memory: gives an untouched slab back. */
  rest(): void {
    this.#settle();
  }

  #settle(): void {
    const slab = this.#slab;
    if (slab === undefined || slab.unreported > 0 || this.#end !== this.#start) return;
    this.#slab = undefined;
    this.#pool.give(slab);
  }

  /** The next message comes after what ends at `end`. */
  #begin(end: number): void {
    this.#start = end + messageHeaderBytesMax;
    this.#end = this.#start;
  }

  #abandon(slab: Slab): void {
    slab.owner = undefined;
    this.#slab = undefined;
    this.#start = 0;
    this.#end = 0;
  }
}
