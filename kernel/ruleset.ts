/* The host's nftables as a whole: what we change in it, and whether somebody else did. The kernel counts the transactions of a network
 * namespace; one that is not ours has changed something. Asking takes microseconds, so it can be done several times a second; being told
 * of each change would cost the kernel a message for every rule of ours. */

import { closeSync } from "node:fs";
import { AppError } from "#core/errors.ts";
import { allocateMemory, errno, libc, memoryOf, socketFlags, systemCallFailed } from "./ffi.ts";

export interface Ruleset {
  /** Lines for `nft -f`, in one transaction. Throws a RunError with what nftables says. */
  apply(lines: readonly string[], signal: AbortSignal): Promise<void>;
  /** JSON, of what `nft list` can list; terse leaves out the elements of sets. Throws a RunError where it isn't there. */
  list(what: readonly string[], signal: AbortSignal, options?: { readonly terse?: boolean }): Promise<string>;
}

export interface WatchedRuleset extends Ruleset, Disposable {
  /**
   * Whether somebody else has changed the ruleset since this last answered. While changes of ours are on their way it can't tell, and
   * answers later. A change that came with one of ours that changed nothing goes unnoticed.
   */
  changedByOthers(): boolean;
}

/** Of the network namespace that the main thread is in, as `nft` is. */
export function watchRuleset(nft: Ruleset): WatchedRuleset {
  const socket = openNetlink();
  let seen = readGeneration(socket);
  let own = 0;
  let underWay = 0;
  return {
    list: nft.list,
    async apply(lines, signal) {
      underWay += 1;
      try {
        await nft.apply(lines, signal);
        own += 1;
      } finally {
        underWay -= 1;
      }
    },
    changedByOthers() {
      if (underWay > 0) return false;
      const now = readGeneration(socket);
      const transactions = (now - seen) >>> 0;
      const foreign = transactions > own;
      seen = now;
      own = 0;
      return foreign;
    },
    [Symbol.dispose]: () => closeSync(socket),
  };
}

const netlinkFamily = 16;
const rawSocket = 3;
const netfilter = 12;
/** Subsystem and message, of <linux/netfilter/nf_tables.h>. */
const getGeneration = (10 << 8) | 16;
const newGeneration = (10 << 8) | 15;
const request = 1;
/** Two headers: netlink's 16 bytes and netfilter's 4. */
const headerBytes = 20;
const generationAttribute = 1;

function openNetlink(): number {
  const socket = libc().socket(netlinkFamily, rawSocket | socketFlags.nonBlocking | socketFlags.closeOnExec, netfilter);
  if (socket < 0) throw systemCallFailed("internal", "netlink", errno());
  return socket;
}

/** The kernel answers before `write` returns. */
function readGeneration(socket: number): number {
  const question = memoryOf(Buffer.alloc(headerBytes));
  question.bytes.writeUInt32LE(headerBytes, 0);
  question.bytes.writeUInt16LE(getGeneration, 4);
  question.bytes.writeUInt16LE(request, 6);
  if (libc().write(socket, question.address, headerBytes) < 0) throw systemCallFailed("internal", "netlink", errno());
  const answer = allocateMemory(4_096);
  const length = libc().read(socket, answer.address, answer.bytes.length);
  if (length < 0) throw systemCallFailed("internal", "netlink", errno());
  return generationIn(answer.bytes.subarray(0, length));
}

function generationIn(message: Buffer): number {
  if (message.length >= headerBytes && message.readUInt16LE(4) === newGeneration) {
    for (let at = headerBytes; at + 8 <= message.length; ) {
      if (message.readUInt16LE(at + 2) === generationAttribute) return message.readUInt32BE(at + 4);
      // Attributes begin at multiples of four.
      at += Math.max(4, (message.readUInt16LE(at) + 3) & ~3);
    }
  }
  throw new AppError("internal", "netlink: the kernel did not say which generation its rules are of");
}
