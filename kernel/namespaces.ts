/* The main thread in another namespace, for as long as one synchronous action takes. */

import { closeSync, openSync } from "node:fs";
import koffi from "koffi";
import { errno, systemCallFailed } from "./ffi.ts";

/** A pid namespace is only that of the programs that are started meanwhile: no process leaves its own. */
export type NamespaceKind = "net" | "pid";

const kinds = {
  net: { flag: 0x40000000, own: "/proc/thread-self/ns/net" },
  pid: { flag: 0x20000000, own: "/proc/thread-self/ns/pid_for_children" },
} as const satisfies Record<NamespaceKind, object>;

let setnsCall: ((descriptor: number, kind: number) => number) | undefined;

/**
 * Runs `action` with the main thread in the namespace of this file, and comes back whatever happens. `action` must be synchronous:
 * between entering and leaving nothing else of this process may run. Costs two system calls instead of a process.
 */
export function inNamespace<T>(kind: NamespaceKind, path: string, action: () => T): T {
  const { own, flag } = kinds[kind];
  const home = openSync(own, "r");
  try {
    const there = openSync(path, "r");
    try {
      setns(there, flag);
    } finally {
      closeSync(there);
    }
    try {
      return action();
    } finally {
      setns(home, flag);
    }
  } finally {
    closeSync(home);
  }
}

function setns(descriptor: number, flag: number): void {
  setnsCall ??= koffi.load(null).func("int setns(int fd, int nstype)") as typeof setnsCall & {};
  if (setnsCall(descriptor, flag) !== 0) throw systemCallFailed("internal", "setns", errno());
}
