/* The ports of its node that a pod asks for. Pure. */

import { isIPv4 } from "node:net";
import { parseIpv4 } from "#core/ipv4.ts";
import type { HostPort } from "#kernel/network.ts";
import type { ContainerPort, Pod } from "#proto/podwire/v1/resources.ts";

/** None for a pod in the node's own network: its ports are the node's already. */
export function hostPortsOf(pod: Pod): HostPort[] {
  if (pod.spec?.hostNetwork === true) return [];
  const sidecars = (pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...sidecars, ...(pod.spec?.containers ?? [])].flatMap(({ ports }) => ports.flatMap(hostPortOf));
}

function hostPortOf({ hostPort = 0, containerPort = 0, protocol = "TCP", hostIP = "" }: ContainerPort): HostPort[] {
  if (hostPort === 0 || (protocol !== "TCP" && protocol !== "UDP")) return [];
  const port = { protocol: protocol === "TCP" ? "tcp" : "udp", port: hostPort, containerPort } as const;
  if (hostIP === "" || hostIP === "0.0.0.0") return [port];
  // An address of IPv6 is none of the node's.
  return isIPv4(hostIP) ? [{ ...port, hostAddress: parseIpv4(hostIP) }] : [];
}
