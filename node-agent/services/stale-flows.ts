/* Which flows of UDP still go where no endpoint serves. A flow of UDP never ends by itself while its client sends, so the kernel would lead
 * it to an address that is gone for good. Connections of TCP end, and are left alone. Pure. */

import { cidrContains } from "#core/cidr.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import { endpointText } from "#core/services/endpoint-choice.ts";
import type { ProxyNode } from "#core/services/packet-fate.ts";
import type { ProxiedPort } from "#core/services/proxied-port.ts";
import { nodePortRange } from "#core/services/service-range.ts";
import type { UdpFlow } from "#kernel/service-table.ts";

/**
 * Those to a Service's port whose answers come from none of its endpoints (also where the node itself has it, from before there was a
 * Service), and those of Services that are gone. A Service without endpoints refuses what is new; what flows is left. The cluster's name
 * server is the node's own.
 */
export function staleFlows(flows: readonly UdpFlow[], ports: readonly ProxiedPort[], node: ProxyNode): UdpFlow[] {
  const serving = servingByFrontend(ports, node);
  return flows.filter((flow) => {
    if (flow.destination === node.dnsAddress) return false;
    const endpoints = serving.get(frontendText(flow.destination, flow.destinationPort));
    if (endpoints === undefined) return isOfNoService(flow, node);
    return endpoints.size > 0 && !endpoints.has(endpointText({ address: flow.answeredBy, port: flow.answeredPort }));
  });
}

/**
 * Whether a change can leave flows behind: where a frontend's endpoint went, or the frontend, or where it got its first endpoints. More
 * of them leave every flow where it may go.
 */
export function leavesFlows(before: Serving | undefined, now: Serving): boolean {
  if (before === undefined) return true;
  const lost = [...before].some(([frontend, endpoints]) => !now.has(frontend) || !now.get(frontend)?.isSupersetOf(endpoints));
  return lost || [...now].some(([frontend, endpoints]) => endpoints.size > 0 && !before.get(frontend)?.size);
}

/** The serving endpoints of each frontend of UDP. */
export type Serving = ReadonlyMap<string, ReadonlySet<string>>;

export function servingByFrontend(ports: readonly ProxiedPort[], { nodeAddress, dnsAddress }: ProxyNode): Serving {
  const serving = new Map<string, ReadonlySet<string>>();
  for (const { protocol, port, clusterAddress, balancerAddresses, nodePort, serving: endpoints } of ports) {
    if (protocol !== "udp" || clusterAddress === dnsAddress) continue;
    for (const address of [clusterAddress, ...balancerAddresses]) serving.set(frontendText(address, port), endpoints);
    if (nodePort !== undefined) serving.set(frontendText(nodeAddress, nodePort), endpoints);
  }
  return serving;
}

/** That was led somewhere from an address or a port that only Services have. */
function isOfNoService({ destination, destinationPort, answeredBy }: UdpFlow, { serviceRange, nodeAddress }: ProxyNode): boolean {
  if (destination === answeredBy) return false;
  const isNodePort = destinationPort >= nodePortRange.min && destinationPort <= nodePortRange.max;
  return cidrContains(serviceRange, destination) || (destination === nodeAddress && isNodePort);
}

function frontendText(...[address, port]: [UdpFlow["destination"], number]): string {
  return `${formatIpv4(address)}:${port}`;
}
