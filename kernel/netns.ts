/* Network namespaces by name, as `ip netns` keeps them: a bind mount each under /run/netns. */

import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from "node:fs";
import koffi from "koffi";
import { AppError } from "#core/errors.ts";

const folder = "/run/netns";
const cloneNewNet = 0x40000000;

export function netnsPath(name: string): string {
  return `${folder}/${name}`;
}

export function listNetns(): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

let setnsCall: ((descriptor: number, kind: number) => number) | undefined;

/**
 * Runs `action` with the main thread in another network namespace, and comes back whatever happens. `action` must be
 * synchronous: between entering and leaving nothing else of this process may run. /proc/sys/net and new sockets belong to the
 * namespace that the thread is in. Costs two system calls instead of a process.
 */
export function inNetns<T>(name: string, action: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    const there = openSync(netnsPath(name), "r");
    try {
      setns(there);
    } finally {
      closeSync(there);
    }
    try {
      return action();
    } finally {
      setns(home);
    }
  } finally {
    closeSync(home);
  }
}

/** Sysctls by their path under /proc/sys, in the namespace that the thread is in. A kernel without IPv6 needs none of IPv6's. */
export function writeSysctls(values: Readonly<Record<string, string>>): void {
  const withoutIpv6 = !existsSync("/proc/sys/net/ipv6");
  for (const [path, value] of Object.entries(values)) {
    if (withoutIpv6 && path.startsWith("net/ipv6/")) continue;
    writeFileSync(`/proc/sys/${path}`, value);
  }
}

function setns(descriptor: number): void {
  setnsCall ??= koffi.load(null).func("int setns(int fd, int nstype)") as (descriptor: number, kind: number) => number;
  if (setnsCall(descriptor, cloneNewNet) !== 0) {
    throw new AppError("internal", `setns: errno ${koffi.errno()}`);
  }
}
