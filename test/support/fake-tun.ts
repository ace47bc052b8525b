/* A TUN without a kernel: a test puts frames in where the kernel would, and looks at what came out. */

import type { GsoType } from "#core/frames.ts";
import type { Tun } from "#kernel/tun.ts";

export interface FakeTun extends Tun {
  /** The kernel has a frame for the agent. */
  inject(...frames: readonly Buffer[]): void;
  /** What the agent gave the kernel. */
  readonly delivered: readonly Buffer[];
  /** What the kernel was last told to give. */
  readonly given: readonly GsoType[];
  /** The kernel refuses what it is given. */
  refuses: boolean;
  /** The most frames that were read in one turn of the event loop. */
  readonly readsInTurnMax: number;
}

export function createFakeTun(offloads: readonly GsoType[] = ["tcp4", "tcp6", "udp"]): FakeTun {
  const waiting: Buffer[] = [];
  const delivered: Buffer[] = [];
  const watchers = new Set<() => void>();
  let given = offloads;
  let scheduled = false;
  let readsInTurn = 0;
  let readsInTurnMax = 0;

  const schedule = () => {
    if (scheduled || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      readsInTurn = 0;
      for (const watcher of watchers) watcher();
      schedule();
    });
  };
  return {
    name: "fake0",
    offloads,
    refuses: false,
    delivered,
    get given() {
      return given;
    },
    get readsInTurnMax() {
      return readsInTurnMax;
    },
    inject(...frames) {
      waiting.push(...frames);
      schedule();
    },
    setOffloads(types) {
      given = types;
    },
    watch(onReadable) {
      watchers.add(onReadable);
      return {
        [Symbol.dispose]() {
          watchers.delete(onReadable);
        },
      };
    },
    read(memory, offset) {
      const frame = waiting.shift();
      if (frame === undefined) return 0;
      readsInTurn += 1;
      readsInTurnMax = Math.max(readsInTurnMax, readsInTurn);
      return frame.copy(memory.bytes, offset);
    },
    write(memory, offset, length) {
      if (this.refuses) return false;
      delivered.push(Buffer.from(memory.bytes.subarray(offset, offset + length)));
      return true;
    },
    [Symbol.dispose]() {
      watchers.clear();
    },
  };
}
