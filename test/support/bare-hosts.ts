/* Hosts that are no more than network namespaces, joined by a bridge: for agents that share the machine's other namespaces. */

import { type Cidr, formatCidr } from "#core/cidr.ts";
import { formatIpv4, type Ipv4 } from "#core/ipv4.ts";
import { netnsPath } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";

export interface BareHost {
  /** Also of its network namespace. */
  readonly name: string;
  readonly address: Ipv4;
}

export async function createBareHosts(hosts: readonly BareHost[], underlay: Cidr, signal: AbortSignal): Promise<void> {
  const prefix = formatCidr(underlay).split("/")[1];
  const lines = [
    "link add underlay type bridge",
    "link set underlay up",
    ...hosts.flatMap(({ name }, i) => [
      `netns add ${name}`,
      `link add host${i} type veth peer name eth0 netns ${name}`,
      `link set host${i} master underlay addrgenmode none`,
      `link set host${i} up`,
    ]),
  ];
  await run(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n`, signal });
  await Promise.all(
    hosts.map(({ name, address }) => {
      const inside = ["link set lo up", `address add ${formatIpv4(address)}/${prefix} dev eth0`, "link set eth0 up"];
      return run(["ip", "-netns", name, "-batch", "-"], { input: `${inside.join("\n")}\n`, signal });
    }),
  );
}

/** The command that runs `argv` on a host. Not `ip netns exec`: it gives each a mount namespace, which would hide new pods' namespaces. */
export function onBareHost(name: string, argv: readonly string[]): string[] {
  return ["nsenter", `--net=${netnsPath(name)}`, "--", ...argv];
}
