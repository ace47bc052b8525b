/* The network that joins the hosts must share no address with the cluster's ranges: a node would send what is for a pod to its neighbour. */

import type { NetworkInterfaceInfo } from "node:os";
import { blockOf, type Cidr, refuseOverlaps } from "#core/cidr.ts";
import { parseIpv4 } from "#core/ipv4.ts";

export interface AdvertisedRanges {
  /** `HOST:PORT`; a name tells nothing here. */
  readonly advertise: string | undefined;
  readonly podCidr: Cidr;
  readonly serviceCidr: Cidr;
  readonly balancerCidr: Cidr;
}

export type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Throws "invalid" where a range overlaps the network that has the advertised address. */
export function refuseOwnNetwork(
  { advertise, podCidr, serviceCidr, balancerCidr }: AdvertisedRanges,
  interfaces: Interfaces,
): void {
  const host = advertise?.replace(/:[0-9]+$/, "");
  const own = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, address, internal }) => family === "IPv4" && !internal && address === host);
  if (own?.cidr == null) return;
  const network = blockOf(parseIpv4(own.address), Number(own.cidr.split("/")[1]));
  refuseOverlaps({
    "the hosts' own network": network,
    "--pod-cidr": podCidr,
    "--service-cidr": serviceCidr,
    "--load-balancer-cidr": balancerCidr,
  });
}
