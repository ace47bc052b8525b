import { cidrsOverlap, formatCidr, parseCidr } from "#core/cidr.ts";
import type { ForeignRoute } from "#kernel/ip.ts";
import type { Welcome } from "#proto/podwire/v1/agent.ts";

/**
 * Which range of the cluster collides with an address or a route of this host, in words; undefined where none does. A narrower route would
 * swallow pods' packets, and ours would swallow what a wider one leads.
 */
export function takenRange(
  { podCIDR, serviceCIDR, loadBalancerCIDR }: Pick<Welcome, "podCIDR" | "serviceCIDR" | "loadBalancerCIDR">,
  routes: readonly ForeignRoute[],
): string | undefined {
  for (const [flag, text] of [
    ["--pod-cidr", podCIDR],
    ["--service-cidr", serviceCIDR],
    ["--load-balancer-cidr", loadBalancerCIDR],
  ] as const) {
    const range = parseCidr(text);
    const route = routes.find(({ destination }) => cidrsOverlap(destination, range));
    if (route === undefined) continue;
    const where = route.device === undefined ? "" : ` dev ${route.device}`;
    return `the cluster's ${flag} ${text} overlaps this host's own route ${formatCidr(route.destination)}${where}: start the control plane with another ${flag}, or remove the route`;
  }
  return undefined;
}
