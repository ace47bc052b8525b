/* A TUN device: the kernel's end of the overlay. Every packet has a virtio-net header before it (IFF_VNET_HDR), so with
 * offload on the kernel hands over and takes packets of up to 64 KiB, and leaves checksums to whoever needs them.
 *
 * The device is persistent: an agent that is killed leaves the device, its routes and the connections through it standing,
 * and the next one attaches again. Without IFF_MULTI_QUEUE only one process can be attached, which makes the device a lock. */

import { closeSync, constants, openSync } from "node:fs";
import { AppError, invalid, messageOf } from "#core/errors.ts";
import { type GsoType, vnetHeaderBytes } from "#core/frames.ts";
import { allocateMemory, errno, errnos, libc, type Memory, systemCallFailed } from "./ffi.ts";
import { watchReadable } from "./poll.ts";

export interface Tun extends Disposable {
  readonly name: string;
  /** Which gso types this kernel takes and gives. */
  readonly offloads: readonly GsoType[];
  /** From now on the kernel gives frames of these gso types only, and segments the others itself. */
  setOffloads(types: readonly GsoType[]): void;
  /**
   * Calls `onReadable` from the event loop while frames wait. Disposing of the answer stops it. Where somebody removes the
   * device, the process ends with an error that says so: its next run makes a new one.
   */
  watch(onReadable: () => void): Disposable;
  /**
   * Moves one frame, header and packet, into `memory` at `offset`. Answers its length, 0 where none waits. There must be
   * room for `frameBytesMax`.
   */
  read(memory: Memory, offset: number): number;
  /** Gives the kernel one frame. False where it refused: it is the caller's to count. */
  write(memory: Memory, offset: number, length: number): boolean;
}

export interface TunOptions {
  /** At most 15 characters. */
  readonly name: string;
  /** Checksums and segmentation by whoever comes later; on unless said otherwise. */
  readonly offload?: boolean;
}

// linux/if_tun.h; the codes are the same on all of Node's Linux platforms.
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETVNETLE = 0x400454dc;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
// USO4 and USO6 come as one: the kernel refuses either alone.
const offloadFlags = { tcp4: 0x02, tcp6: 0x04, udp: 0x60 } as const satisfies Record<GsoType, number>;
const ifreqBytes = 40;

/**
 * Makes the device or attaches to the one that is there. "failed-precondition" where another process holds it, where
 * /dev/net/tun is missing, or where this process may not.
 */
export function openTun({ name, offload = true }: TunOptions): Tun {
  if (!/^[\x21-\x2e\x30-\x7e]{1,15}$/.test(name)) {
    throw invalid(`"${name}" is not a device name: want 1 to 15 characters without spaces and slashes`);
  }
  const descriptor = openDevice();
  try {
    attach(descriptor, name);
    // A persistent device remembers what the last process chose, so everything is said again.
    control(descriptor, TUNSETPERSIST, 1);
    const headerLength = allocateMemory(4);
    headerLength.bytes.writeInt32LE(vnetHeaderBytes);
    control(descriptor, TUNSETVNETHDRSZ, headerLength.address);
    const littleEndian = allocateMemory(4);
    littleEndian.bytes.fill(1);
    control(descriptor, TUNSETVNETLE, littleEndian.address);
    const offloads = offload ? acceptedOffloads(descriptor) : [];
    if (!offload) control(descriptor, TUNSETOFFLOAD, 0);
    return tunOn(descriptor, name, offloads, offload);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** openSync sets close-on-exec: a child that inherited the descriptor would keep the device busy. */
function openDevice(): number {
  try {
    return openSync("/dev/net/tun", constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    throw new AppError(
      "failed-precondition",
      `cannot open /dev/net/tun (${messageOf(error)}): load the module "tun", or give the container the device /dev/net/tun`,
      { cause: error },
    );
  }
}

function attach(descriptor: number, name: string): void {
  const request = allocateMemory(ifreqBytes);
  request.bytes.fill(0);
  request.bytes.write(name, "latin1");
  request.bytes.writeUInt16LE(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 16);
  if (libc().ioctl(descriptor, TUNSETIFF, request.address) === 0) return;
  const number = errno();
  switch (number) {
    case errnos.EBUSY:
      throw new AppError("failed-precondition", `device ${name} is held by another process: is an agent already running here?`);
    case errnos.EPERM:
      throw new AppError("failed-precondition", `device ${name} needs CAP_NET_ADMIN: run as root or inside a user namespace`);
    case errnos.EINVAL:
      throw new AppError(
        "failed-precondition",
        `device ${name} exists and is not a TUN of ours: remove it or choose another name`,
      );
    default:
      throw systemCallFailed("failed-precondition", `cannot attach to device ${name}`, number);
  }
}

/** Kernels before 6.2 lack USO and refuse the whole set with it. */
function acceptedOffloads(descriptor: number): readonly GsoType[] {
  for (const types of [["tcp4", "tcp6", "udp"], ["tcp4", "tcp6"], []] as const) {
    if (libc().ioctl(descriptor, TUNSETOFFLOAD, flagsOf(types)) === 0) return types;
  }
  throw systemCallFailed("failed-precondition", "this kernel's TUN takes no checksum offload", errno());
}

function flagsOf(types: readonly GsoType[]): number {
  return types.reduce((flags, type) => flags | offloadFlags[type], TUN_F_CSUM);
}

function tunOn(descriptor: number, name: string, offloads: readonly GsoType[], offload: boolean): Tun {
  const { read, write } = libc();
  const watches = new Set<Disposable>();
  let open = true;
  return {
    name,
    offloads,
    setOffloads(types) {
      if (offload) control(descriptor, TUNSETOFFLOAD, flagsOf(types.filter((type) => offloads.includes(type))));
    },
    watch(onReadable) {
      const poll = watchReadable(descriptor, {
        onReadable,
        onLost(reason) {
          throw new AppError("failed-precondition", `device ${name} was removed while it was in use (${reason})`);
        },
      });
      watches.add(poll);
      return poll;
    },
    read(memory, offset) {
      const length = read(descriptor, memory.address + offset, memory.bytes.length - offset);
      return length > vnetHeaderBytes ? length : 0;
    },
    write: (memory, offset, length) => write(descriptor, memory.address + offset, length) === length,
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      for (const poll of watches) poll[Symbol.dispose]();
      closeSync(descriptor);
    },
  };
}

function control(descriptor: number, request: number, argument: number): void {
  if (libc().ioctl(descriptor, request, argument) !== 0) {
    throw systemCallFailed("failed-precondition", `the TUN refuses request 0x${request.toString(16)}`, errno());
  }
}
