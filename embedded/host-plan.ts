/* Which hosts a cluster gets: their names, addresses and labels. Pure. */

import { addressAt, sizeOf } from "#core/cidr.ts";
import { AppError } from "#core/errors.ts";
import type { Ipv4 } from "#core/ipv4.ts";
import { nodeGroupLabel } from "#core/objects/node-group.ts";
import { zoneLabel } from "#core/services/labels.ts";
import { type ClusterConfig, nodesMax, underlay } from "./cluster-config.ts";

export type Labels = Readonly<Record<string, string>>;

/** What a host is from its first boot to its removal. */
export interface HostPlan {
  readonly name: string;
  readonly address: Ipv4;
  /** Of its node. */
  readonly labels: Labels;
}

export interface HostsWanted {
  /** Of each new host. */
  readonly labels: readonly Labels[];
  /** Names that a new host must not get: those of nodes whose hosts are gone. */
  readonly taken: readonly string[];
}

export interface HostsKnown {
  readonly hosts: readonly HostPlan[];
  /** The address that was given last. */
  readonly last: Ipv4 | undefined;
  /** How many nodes the range of pod addresses has room for. */
  readonly room: number;
}

const firstOffset = 257;

/**
 * New hosts get the lowest free numbers, and addresses next-fit: one that was given back comes again only when all others had their turn,
 * and nobody remembers it. "exhausted" where there is no room for so many.
 */
export function planHosts({ labels, taken }: HostsWanted, { hosts, last, room }: HostsKnown): HostPlan[] {
  const most = Math.min(nodesMax, room);
  if (hosts.length + labels.length > most) {
    const why = room < nodesMax ? "its range of pod addresses has room for no more" : "it can't have more";
    throw new AppError(
      "exhausted",
      `the cluster has ${hosts.length} of at most ${most} nodes (${why}): ${labels.length} more don't fit; remove some first`,
    );
  }
  const names = freeNames([...hosts.map(({ name }) => name), ...taken]);
  const addresses = freeAddresses(new Set(hosts.map(({ address }) => address)), last);
  return labels.map((own) => ({ name: names.next().value, address: addresses.next().value, labels: own }));
}

/** The labels of the first hosts: as many for each zone as it wants, and all of the node group. */
export function labelsOfFirst({
  nodeCount,
  zones,
  nodeGroup,
}: Pick<ClusterConfig, "nodeCount" | "zones" | "nodeGroup">): Labels[] {
  const zoned = Object.entries(zones).flatMap(([zone, count]) => Array.from({ length: count }, () => ({ [zoneLabel]: zone })));
  const first: readonly Labels[] = zoned.length > 0 ? zoned : Array.from({ length: nodeCount }, () => ({}));
  return first.map((labels) => (nodeGroup === undefined ? labels : { ...labels, [nodeGroupLabel]: nodeGroup.name }));
}

function* freeNames(taken: readonly string[]): Generator<string, never> {
  const used = new Set(taken);
  for (let number = 1; ; number++) if (!used.has(`node-${number}`)) yield `node-${number}`;
}

function* freeAddresses(inUse: ReadonlySet<Ipv4>, last: Ipv4 | undefined): Generator<Ipv4, never> {
  const offsets = sizeOf(underlay) - 1 - firstOffset;
  const begin = last === undefined ? 0 : last - addressAt(underlay, firstOffset) + 1;
  // There are far more addresses than hosts.
  for (let step = 0; ; step++) {
    const address = addressAt(underlay, firstOffset + ((begin + step) % offsets));
    if (!inUse.has(address)) yield address;
  }
}
