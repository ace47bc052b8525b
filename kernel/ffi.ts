/* System calls that Node has no name for, by koffi. Memory crosses as integer addresses: an integer costs nothing to pass, a
 * subarray for each call costs more than the call. Whoever passes an address keeps the buffer behind it alive. */

import { getSystemErrorMap } from "node:util";
import koffi from "koffi";
import { AppError, type ErrorKind } from "#core/errors.ts";

export interface Libc {
  /** Bytes read, 0 at the end, -1 with `errno()`. */
  read(descriptor: number, address: number, length: number): number;
  write(descriptor: number, address: number, length: number): number;
  send(descriptor: number, address: number, length: number, flags: number): number;
  /** `argument` is an address or a plain number, as the request wants it. */
  ioctl(descriptor: number, request: number, argument: number): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  /** Belongs to the network namespace that the calling thread is in. */
  socket(family: number, type: number, protocol: number): number;
  /** `address` is of two numbers of 4 bytes, the reading end's and the writing end's. */
  pipe2(address: number, flags: number): number;
  mkfifo(path: string, mode: number): number;
  /** Answers `to`, which makes it the way to learn where a buffer lies. */
  memmove(to: Uint8Array, from: Uint8Array, length: number): number;
  /** In bytes. */
  getpagesize(): number;
}

let loaded: Libc | undefined;

/** The C library of this process; loaded when first asked for. */
export function libc(): Libc {
  if (loaded === undefined) {
    const library = koffi.load(null);
    loaded = {
      read: library.func("intptr_t read(int descriptor, uintptr_t address, size_t length)"),
      write: library.func("intptr_t write(int descriptor, uintptr_t address, size_t length)"),
      send: library.func("intptr_t send(int descriptor, uintptr_t address, size_t length, int flags)"),
      ioctl: library.func("int ioctl(int descriptor, unsigned long request, uintptr_t argument)"),
      fcntl: library.func("int fcntl(int descriptor, int command, uintptr_t argument)"),
      socket: library.func("int socket(int family, int type, int protocol)"),
      pipe2: library.func("int pipe2(uintptr_t address, int flags)"),
      mkfifo: library.func("int mkfifo(const char *path, unsigned int mode)"),
      memmove: library.func("uintptr_t memmove(void *to, const void *from, size_t length)"),
      getpagesize: library.func("int getpagesize()"),
    };
  }
  return loaded;
}

/** A buffer and where it lies. V8 never moves the memory of a Buffer, so the address holds for as long as `bytes` lives. */
export interface Memory {
  readonly bytes: Buffer;
  /** Of the first byte. */
  readonly address: number;
}

/** Costs a foreign call: once for a buffer, not once for what lies in it. */
export function memoryOf(bytes: Buffer): Memory {
  return { bytes, address: libc().memmove(bytes, bytes, 0) };
}

/** Memory of its own, outside Node's shared pool. */
export function allocateMemory(length: number): Memory {
  return memoryOf(Buffer.allocUnsafeSlow(length));
}

/** For `socket`. */
export const socketFlags = { nonBlocking: 0o4000, closeOnExec: 0o2000000 } as const;

/** What the last call that answered -1 failed with. */
export function errno(): number {
  return koffi.errno();
}

export const errnos = koffi.os.errno;

/** "EBUSY: resource busy or locked", for the number that `errno` gave. */
export function describeErrno(number: number): string {
  const [name, text] = getSystemErrorMap().get(-number) ?? [`errno ${number}`, "unknown error"];
  return `${name}: ${text}`;
}

export function systemCallFailed(kind: ErrorKind, what: string, number: number): AppError {
  return new AppError(kind, `${what}: ${describeErrno(number)}`);
}
