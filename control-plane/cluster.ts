/* What a cluster is from its first start on: its name, its ranges and the secret that tunnel keys derive from. The ranges of a
 * stored cluster can't change: nodes and pods hold addresses from them. */

import { type Cidr, formatCidr, refuseOverlaps } from "#core/cidr.ts";
import type { Clock } from "#core/clock.ts";
import { timestamp } from "#core/clock.ts";
import { invalid } from "#core/errors.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import type { Ids } from "./ids.ts";
import { putObject, retryConflicts } from "./state/objects.ts";
import type { Store, Write } from "./store/store.ts";

export interface Cluster {
  readonly name: string;
  /** All pods' addresses. */
  readonly podCidr: Cidr;
  /** The length of each node's block in `podCidr`. */
  readonly nodeCidrPrefix: number;
  readonly serviceCidr: Cidr;
  /** The addresses of LoadBalancers. */
  readonly balancerCidr: Cidr;
}

export interface OpenedCluster extends Cluster {
  /** 32 bytes; never leaves the control plane. */
  readonly secret: Buffer;
}

export const firstNamespaces = ["default", "kube-system"] as const;

const servicePrefixMax = 28;
const balancerPrefixMax = 30;
const configKey = "cluster/config";

interface StoredConfig {
  readonly name: string;
  readonly podCIDR: string;
  readonly nodeCIDRPrefix: number;
  readonly serviceCIDR: string;
  readonly loadBalancerCIDR: string;
  readonly secret: string;
}

/** Throws "invalid" where the ranges overlap or no node's block fits. */
export function checkRanges({ podCidr, nodeCidrPrefix, serviceCidr, balancerCidr }: Omit<Cluster, "name">): void {
  refuseOverlaps({ "--pod-cidr": podCidr, "--service-cidr": serviceCidr, "--load-balancer-cidr": balancerCidr });
  if (serviceCidr.prefix > servicePrefixMax) {
    throw invalid(
      `--service-cidr ${formatCidr(serviceCidr)} is too small: its tenth address is the cluster's name server; want a /${servicePrefixMax} or larger`,
    );
  }
  if (balancerCidr.prefix > balancerPrefixMax) {
    throw invalid(`--load-balancer-cidr ${formatCidr(balancerCidr)} is too small: want a /${balancerPrefixMax} or larger`);
  }
  if (nodeCidrPrefix < podCidr.prefix || nodeCidrPrefix > 30) {
    throw invalid(
      `--node-cidr-prefix ${nodeCidrPrefix} must be from ${podCidr.prefix} (the length of --pod-cidr ${formatCidr(podCidr)}) to 30`,
    );
  }
  if (nodeCidrPrefix - podCidr.prefix > 16) {
    throw invalid(
      `--node-cidr-prefix ${nodeCidrPrefix} cuts --pod-cidr ${formatCidr(podCidr)} into more than 65536 blocks: choose at most ${podCidr.prefix + 16}`,
    );
  }
}

/** Makes the cluster at its first start, finds it later. Throws "invalid" where the stored one has other ranges. */
export async function openCluster(
  store: Store,
  wanted: Cluster,
  { ids, clock }: { readonly ids: Ids; readonly clock: Clock },
): Promise<OpenedCluster> {
  checkRanges(wanted);
  return retryConflicts(async () => {
    const entry = store.get(configKey);
    const config = (entry?.value as StoredConfig | undefined) ?? { ...configOf(wanted), secret: ids.secret(32) };
    refuseDifference(config, configOf(wanted));
    const writes: Write[] = entry === undefined ? [{ type: "put", key: configKey, value: config }] : [];
    for (const name of firstNamespaces) {
      if (store.get(keyOf(namespaceKind, undefined, name)) === undefined) writes.push(putNamespace(name, { ids, clock }));
    }
    if (writes.length > 0) {
      await store.commit({ checks: writes.map(({ key }) => ({ key, is: "absent" })), writes });
    }
    return { ...wanted, secret: Buffer.from(config.secret, "hex") };
  });
}

function configOf({ name, podCidr, nodeCidrPrefix, serviceCidr, balancerCidr }: Cluster): Omit<StoredConfig, "secret"> {
  return {
    name,
    podCIDR: formatCidr(podCidr),
    nodeCIDRPrefix: nodeCidrPrefix,
    serviceCIDR: formatCidr(serviceCidr),
    loadBalancerCIDR: formatCidr(balancerCidr),
  };
}

const flags = {
  name: "--cluster",
  podCIDR: "--pod-cidr",
  nodeCIDRPrefix: "--node-cidr-prefix",
  serviceCIDR: "--service-cidr",
  loadBalancerCIDR: "--load-balancer-cidr",
} as const satisfies Record<keyof Omit<StoredConfig, "secret">, string>;

function refuseDifference(stored: Omit<StoredConfig, "secret">, wanted: Omit<StoredConfig, "secret">): void {
  const differences = (Object.keys(flags) as (keyof typeof flags)[])
    .filter((field) => stored[field] !== wanted[field])
    .map((field) => `${flags[field]} is ${stored[field]} there, not ${wanted[field]}`);
  if (differences.length === 0) return;
  throw invalid(
    `the stored cluster was made with other options: ${differences.join("; ")}. Start it with its own, or take another --data directory`,
  );
}

function putNamespace(name: string, { ids, clock }: { readonly ids: Ids; readonly clock: Clock }): Write {
  const namespace = namespaceKind.withDefaults({
    metadata: { ...emptyMetadata, name, uid: ids.uid(), creationTimestamp: timestamp(clock) },
  });
  return putObject(namespaceKind, { ...namespace, status: { phase: "Active", conditions: [] } });
}
