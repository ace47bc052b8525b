/* The hosts of a sandbox: a network namespace each, joined by a bridge that leads nowhere else. */

import type { Cidr } from "#core/cidr.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { netnsPath } from "./netns.ts";
import { run } from "./run.ts";

export interface Host {
  /** Also the name of its network namespace. */
  readonly name: string;
  readonly address: Ipv4;
}

const bridge = "underlay";

/** Makes every host, and the bridge between them, in one go. The bridge's own end has no address: the sandbox itself is no host. */
export async function createHosts(hosts: readonly Host[], underlay: Cidr, signal: AbortSignal): Promise<void> {
  const lines = [
    `link add ${bridge} type bridge`,
    `link set ${bridge} up`,
    ...hosts.flatMap((host, index) => hostLines(host, index)),
  ];
  await run(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n`, signal });
  await Promise.all(
    hosts.map(({ name, address }) => {
      const inside = ["link set lo up", `address add ${formatIpv4(address)}/${underlay.prefix} dev eth0`, "link set eth0 up"];
      return run(["ip", "-netns", name, "-batch", "-"], { input: `${inside.join("\n")}\n`, signal });
    }),
  );
}

/** The command that runs `argv` on a host. Not `ip netns exec`: it gives each a mount namespace, which would hide new pods' namespaces. */
export function onHost(name: string, argv: readonly string[]): string[] {
  return ["nsenter", `--net=${netnsPath(name)}`, "--", ...argv];
}

function hostLines({ name }: Host, index: number): string[] {
  const end = `host${index}`;
  return [
    `netns add ${name}`,
    `link add ${end} type veth peer name eth0 netns ${name}`,
    `link set ${end} master ${bridge} addrgenmode none`,
    `link set ${end} up`,
  ];
}
