/* The table of Services in nft's language, from what the node serves. Pure.
 *
 *   prerouting, output ─▶ map services: address . protocol . port ─┬─▶ cluster/KEY or local/KEY ─▶ dnat to one endpoint by chance
 *                                                                  └─▶ external/KEY ─▶ one of the two, by who asks
 *   forward, input, output, new flows ─▶ map refusals ─▶ refuse or drop; then other ports of an address that is served: refuse
 *
 *   postrouting of what was led to an endpoint ─▶ sets connections and requests: one more for the endpoint
 *
 * With session affinity each endpoint has a chain and a set of the clients that it had; the sets are asked before chance is. */

import { formatCidr } from "#core/cidr.ts";
import { unreachable } from "#core/errors.ts";
import { formatIpv4 } from "#core/ipv4.ts";
import type { Target, TargetEndpoint } from "#core/services/endpoint-choice.ts";
import type { ProxyNode } from "#core/services/packet-fate.ts";
import type { ProxiedPort, TrafficPolicy } from "#core/services/proxied-port.ts";
import { masqueradeMark, podDevicePrefix, tunName } from "./network.ts";
import type { Chain, ServiceTable, TableElement } from "./service-table.ts";

const refuse = "refuse";
const masquerade = `meta mark set meta mark | ${masqueradeMark}`;

/** A port or address that two Services claim is the first one's. */
export function serviceTableOf(ports: readonly ProxiedPort[], node: ProxyNode): ServiceTable {
  const chains = new Map(Object.entries(baseChains(node)));
  const affinitySets = new Set<string>();
  const elements = new Map<string, TableElement>();
  const put = (element: TableElement) => {
    const id = elementId(element);
    if (!elements.has(id)) elements.set(id, element);
  };
  for (const port of ports) {
    for (const [name, chain] of chainsOf(port)) chains.set(name, chain);
    if (port.affinitySeconds !== undefined) {
      for (const endpoint of endpointsOf(port)) affinitySets.add(affinitySetOf(port, endpoint));
    }
    for (const element of elementsOf(port, node)) put(element);
  }
  return { chains, affinitySets, elements };
}

/** The same for elements of which one would take the other's place. */
export function elementId({ in: place, key }: TableElement): string {
  return `${place} ${key}`;
}

function baseChains({ nodeAddress, podRange, serviceRange, dnsAddress }: ProxyNode): Record<string, Chain> {
  const [node, pods, services, dns] = [
    formatIpv4(nodeAddress),
    formatCidr(podRange),
    formatCidr(serviceRange),
    formatIpv4(dnsAddress),
  ];
  const toService = "meta l4proto { tcp, udp } ip daddr . meta l4proto . th dport vmap @services";
  const answersNames = `ip daddr ${dns} meta l4proto { tcp, udp } th dport 53 accept`;
  const checkNew = "ct state new goto check";
  const counted = "{ ip daddr . meta l4proto . th dport counter }";
  return {
    [refuse]: { rules: ["meta l4proto tcp reject with tcp reset", "reject"] },
    prerouting: {
      hook: "type nat hook prerouting priority dstnat",
      // Whoever is no pod and comes by this node must go back by it.
      rules: [`ip daddr ${services} ip saddr != ${pods} ${masquerade}`, toService],
    },
    output: { hook: "type nat hook output priority -100", rules: [toService] },
    postrouting: {
      hook: "type nat hook postrouting priority srcnat",
      rules: [
        `meta mark & ${masqueradeMark} != 0 ip saddr != ${node} snat to ${node} fully-random`,
        // Peers take only the node's one address from it.
        `ct status dnat oifname "${tunName}" ip saddr != ${pods} ip saddr != ${node} snat to ${node} fully-random`,
      ],
    },
    // A chain of NAT sees each connection once, whatever is sent again before it is answered, but only until another has rewritten it.
    connecting: {
      hook: "type nat hook postrouting priority srcnat - 10",
      rules: [`ct status dnat meta l4proto { tcp, udp } update @connections ${counted}`],
    },
    // A client ends what it writes with PSH: an approximation. A request that is written in parts is several, and of those that are
    // written at once there may be one; a ClientHello of TLS is one, too. What a host's own port leads to a pod is counted with the rest.
    asking: {
      hook: "type filter hook postrouting priority srcnat - 10",
      rules: [
        `ct status dnat ct direction original meta l4proto tcp tcp flags & psh == psh update @requests ${counted}`,
        `ct status dnat ct direction original meta l4proto udp update @requests ${counted}`,
      ],
    },
    // What was led to an endpoint is addressed to it by now; what is left had none.
    check: {
      rules: [
        "meta l4proto { tcp, udp } ip daddr . meta l4proto . th dport vmap @refusals",
        `ip daddr @addresses goto ${refuse}`,
        `ip daddr ${dns} goto ${refuse}`,
        `ip daddr ${services} drop`,
      ],
    },
    forwarding: { hook: "type filter hook forward priority filter", rules: [checkNew] },
    receiving: { hook: "type filter hook input priority filter", rules: [answersNames, checkNew] },
    sending: {
      hook: "type filter hook output priority filter",
      // While the agent starts anew nobody listens: who asks for a name waits and asks again, instead of learning that there is none.
      rules: [`ip saddr ${dns} icmp type destination-unreachable drop`, answersNames, checkNew],
    },
  };
}

function elementsOf(port: ProxiedPort, { nodeAddress, dnsAddress }: ProxyNode): TableElement[] {
  const { clusterAddress, balancerAddresses, nodePort, internalPolicy, externalPolicy } = port;
  // The node is the name server.
  if (clusterAddress === dnsAddress) return [];
  const external = [
    ...balancerAddresses.map((address) => ({ address, port: port.port })),
    ...(nodePort === undefined ? [] : [{ address: nodeAddress, port: nodePort }]),
  ];
  return [
    ...[clusterAddress, ...balancerAddresses].map((address): TableElement => ({ in: "addresses", key: formatIpv4(address) })),
    ...leading(port, { address: clusterAddress, port: port.port }, { way: internalPolicy, policy: internalPolicy }),
    ...external.flatMap((frontend) => leading(port, frontend, { way: "External", policy: externalPolicy })),
  ];
}

interface Way {
  readonly way: TrafficPolicy | "External";
  readonly policy: TrafficPolicy;
}

function leading({ protocol, targets, ...port }: ProxiedPort, frontend: TargetEndpoint, { way, policy }: Way): TableElement[] {
  const key = `${formatIpv4(frontend.address)} . ${protocol} . ${frontend.port}`;
  const refusal = refusalOf(targets[policy]);
  const someTake = refusal === undefined || (way === "External" && refusalOf(targets.Cluster) === undefined);
  return [
    ...(someTake ? [{ in: "services", key, value: `goto ${chainName(port, way)}` } as const] : []),
    ...(refusal === undefined ? [] : [{ in: "refusals", key, value: refusal } as const]),
  ];
}

function refusalOf(target: Target): string | undefined {
  switch (target) {
    case "reject":
      return `goto ${refuse}`;
    case "drop":
      return "drop";
    default:
      return undefined;
  }
}

function chainsOf(port: ProxiedPort): [string, Chain][] {
  const { targets, affinitySeconds } = port;
  const filled = policiesOf(port).filter((policy) => refusalOf(targets[policy]) === undefined);
  const chains = filled.map((policy): [string, Chain] => [chainName(port, policy), { rules: choosing(port, targets[policy]) }]);
  if (affinitySeconds !== undefined) {
    for (const endpoint of endpointsOf(port))
      chains.push([endpointChain(port, endpoint), { rules: remembering(port, endpoint) }]);
  }
  if (isExternal(port) && filled.includes("Cluster")) {
    chains.push([chainName(port, "External"), { rules: fromOutside(port, filled.includes("Local")) }]);
  }
  return chains;
}

/** As kube-proxy: with policy Local, whoever is on this node anyway may have any endpoint. */
function fromOutside(port: ProxiedPort, hasLocal: boolean): string[] {
  const toCluster = `goto ${chainName(port, "Cluster")}`;
  switch (port.externalPolicy) {
    case "Cluster":
      return [masquerade, toCluster];
    case "Local":
      return [
        `iifname "${podDevicePrefix}*" ${toCluster}`,
        `fib saddr type local ${masquerade} ${toCluster}`,
        ...(hasLocal ? [`goto ${chainName(port, "Local")}`] : []),
      ];
    default:
      return unreachable(port.externalPolicy);
  }
}

function choosing(port: ProxiedPort, target: Target): string[] {
  if (typeof target === "string") return [];
  if (port.affinitySeconds === undefined)
    return [`meta l4proto ${port.protocol} dnat ip to ${byChance(target.map(pairOf), "map")}`];
  const jumps = target.map((endpoint) => `goto ${endpointChain(port, endpoint)}`);
  return [...target.map((endpoint, i) => `ip saddr @${affinitySetOf(port, endpoint)} ${jumps[i]}`), byChance(jumps, "vmap")];
}

/** A set that is full takes nobody: that is a rule of its own, so that the next is reached. */
function remembering(port: ProxiedPort, endpoint: TargetEndpoint): string[] {
  return [
    `update @${affinitySetOf(port, endpoint)} { ip saddr timeout ${port.affinitySeconds}s }`,
    `meta l4proto ${port.protocol} dnat ip to ${formatIpv4(endpoint.address)}:${endpoint.port}`,
  ];
}

function byChance(ways: readonly string[], verb: "map" | "vmap"): string {
  const [first = ""] = ways;
  if (ways.length === 1) return verb === "map" ? first.replace(" . ", ":") : first;
  return `numgen random mod ${ways.length} ${verb} { ${ways.map((way, i) => `${i} : ${way}`).join(", ")} }`;
}

/** Those by which somebody may come. */
function policiesOf(port: ProxiedPort): readonly TrafficPolicy[] {
  return isExternal(port)
    ? [...new Set<TrafficPolicy>([port.internalPolicy, "Cluster", port.externalPolicy])]
    : [port.internalPolicy];
}

function isExternal({ nodePort, balancerAddresses }: ProxiedPort): boolean {
  return nodePort !== undefined || balancerAddresses.length > 0;
}

function endpointsOf(port: ProxiedPort): TargetEndpoint[] {
  const { targets } = port;
  const all = policiesOf(port).flatMap((policy) => (typeof targets[policy] === "string" ? [] : targets[policy]));
  return [...new Map(all.map((endpoint) => [pairOf(endpoint), endpoint])).values()];
}

function chainName({ key }: Pick<ProxiedPort, "key">, way: TrafficPolicy | "External"): string {
  return `${way.toLowerCase()}/${key}`;
}

function endpointChain({ key }: ProxiedPort, { address, port }: TargetEndpoint): string {
  return `endpoint/${key}/${formatIpv4(address)}/${port}`;
}

function affinitySetOf({ key }: ProxiedPort, { address, port }: TargetEndpoint): string {
  return `affinity/${key}/${formatIpv4(address)}/${port}`;
}

function pairOf({ address, port }: TargetEndpoint): string {
  return `${formatIpv4(address)} . ${port}`;
}
