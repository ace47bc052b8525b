/* Network namespaces by name, as `ip netns` keeps them: a bind mount each under /run/netns. */

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { inNamespace } from "./namespaces.ts";

const folder = "/run/netns";

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

/** Runs `action`, which must be synchronous, in another network namespace: /proc/sys/net and new sockets belong to it then. */
export function inNetns<T>(name: string, action: () => T): T {
  return inNamespace("net", netnsPath(name), action);
}

/** Sysctls by their path under /proc/sys, in the namespace that the thread is in. A kernel without IPv6 needs none of IPv6's. */
export function writeSysctls(values: Readonly<Record<string, string>>): void {
  const withoutIpv6 = !existsSync("/proc/sys/net/ipv6");
  for (const [path, value] of Object.entries(values)) {
    if (withoutIpv6 && path.startsWith("net/ipv6/")) continue;
    writeFileSync(`/proc/sys/${path}`, value);
  }
}
