/* A terminal of a container's own. It comes from the container's /dev/pts and not from the machine's, so that programs in there find it
 * by its name (tty, tmux, script); that is why no library is used, since those open the machine's.
 *
 * The container may have put anything in the place of its /dev/pts/ptmx, so the file is opened without waiting and without following a
 * link, and must be the device that it should be. The inner end is asked of the outer one and needs no name. */

import { closeSync, constants, fchownSync, fstatSync, openSync } from "node:fs";
import type { Duplex } from "node:stream";
import { ReadStream } from "node:tty";
import { AppError } from "#core/errors.ts";
import { allocateMemory, errno, libc, systemCallFailed } from "./ffi.ts";

const openInner = 0x5441;
const setSize = 0x5414;
const setLock = 0x40045431;
/** Major 5, minor 2. */
const ptmxDevice = (5 << 8) | 2;
const closeOnExec = 0o2000000;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Its disposal hangs it up. */
export interface Terminal extends Disposable {
  /** What is typed goes in, what is shown comes out. It ends when the last program leaves the terminal. */
  readonly stream: Duplex;
  /** For the three standard streams of a program to start. */
  readonly inside: [number, number, number];
  /** The program has its descriptors: ours would keep the terminal alive. */
  letGo(): void;
  resize(size: TerminalSize): void;
}

export interface TerminalOwner {
  readonly uid: number;
  readonly gid: number;
}

/** `pid` is a process of the container. `owner` may open the terminal by its name; root where it is absent. */
export function openTerminal(pid: number, owner?: TerminalOwner): Terminal {
  const { O_RDWR, O_NOCTTY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const outer = openSync(`/proc/${pid}/root/dev/pts/ptmx`, O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  let inner: number;
  try {
    inner = openInnerEnd(outer);
    if (owner !== undefined) fchownSync(inner, owner.uid, owner.gid);
  } catch (error) {
    closeSync(outer);
    throw error;
  }
  const stream = new ReadStream(outer);
  // The end of the last program inside reads as an I/O error.
  stream.on("error", () => {});
  let letGo = () => closeSync(inner);
  return {
    stream,
    inside: [inner, inner, inner],
    letGo() {
      letGo();
      letGo = () => {};
    },
    resize({ columns, rows }) {
      if (stream.destroyed) return;
      const size = allocateMemory(8);
      size.bytes.fill(0);
      size.bytes.writeUInt16LE(Math.min(rows, 0xffff), 0);
      size.bytes.writeUInt16LE(Math.min(columns, 0xffff), 2);
      libc().ioctl(outer, setSize, size.address);
    },
    [Symbol.dispose]() {
      this.letGo();
      stream.destroy();
    },
  };
}

function openInnerEnd(outer: number): number {
  if (fstatSync(outer).rdev !== ptmxDevice) {
    throw new AppError("failed-precondition", "the container's /dev/pts/ptmx is no terminal device: it was replaced");
  }
  const unlocked = allocateMemory(4);
  unlocked.bytes.fill(0);
  if (libc().ioctl(outer, setLock, unlocked.address) < 0) throw systemCallFailed("internal", "unlocking a terminal", errno());
  const inner = libc().ioctl(outer, openInner, constants.O_RDWR | constants.O_NOCTTY | closeOnExec);
  if (inner < 0) throw systemCallFailed("internal", "opening a terminal", errno());
  return inner;
}
