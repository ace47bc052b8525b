/* Gives blocks of the pod range to nodes. A grant is a part of a commit: the key `allocations/podCIDR/10.244.3.0-24`, made of the
 * block itself and checked to be absent, goes into the same commit that sets the node's `spec.podCIDR`. So
 * (1) two nodes never hold one block, however many allocate at once: the second commit fails its check and chooses again;
 * (2) a node has its block and the allocation, or neither, wherever a kill hits;
 * (3) nothing is ever released on suspicion: only the commit that deletes the Node object deletes its allocation. After an
 *     unknown outcome the Node object itself says whether the grant happened. */

import { type Cidr, formatCidr, parseCidr, subnetAt, subnetCount, subnetIndex } from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import type { Check, Entry, Store, Write } from "../store/store.ts";
import { choosePodCidr } from "./pod-cidrs.ts";

const allocationPrefix = "allocations/podCIDR/";
const lastKey = "ipam/podCIDR";

export interface PodCidrRange {
  readonly podCidr: Cidr;
  readonly nodeCidrPrefix: number;
}

export interface Grant {
  /** `10.244.3.0/24` */
  readonly podCIDR: string;
  readonly checks: readonly Check[];
  readonly writes: readonly Write[];
}

export interface GrantRequest {
  readonly nodeName: string;
  /** The block that the node held before; whatever an agent says, so it may be nonsense. */
  readonly preferred?: string | undefined;
}

/** What to commit together with the node, or undefined where every block has an owner. */
export function grantPodCidr(store: Store, range: PodCidrRange, { nodeName, preferred }: GrantRequest): Grant | undefined {
  const last = store.get(lastKey)?.value as { readonly lastIndex: number } | undefined;
  const index = choosePodCidr({
    range: range.podCidr,
    prefix: range.nodeCidrPrefix,
    taken: takenBlocks(store, range),
    lastIndex: last?.lastIndex ?? -1,
    preferred: readCidr(preferred),
  });
  if (index === undefined) return undefined;
  const podCIDR = formatCidr(subnetAt(range.podCidr, range.nodeCidrPrefix, index));
  const key = allocationKey(podCIDR);
  return {
    podCIDR,
    checks: [{ key, is: "absent" }],
    writes: [
      { type: "put", key, value: { owner: nodeName } },
      { type: "put", key: lastKey, value: { lastIndex: index } },
    ],
  };
}

/** What to commit together with the deletion of the node. */
export function releasePodCidrs(node: Node): readonly Write[] {
  return (node.spec?.podCIDRs ?? []).map((podCIDR) => ({ type: "delete", key: allocationKey(podCIDR) }));
}

export function withPodCidr(node: Node, podCIDR: string): Node {
  return { ...node, spec: { taints: [], ...node.spec, podCIDR, podCIDRs: [podCIDR] } };
}

export function hasPodCidr(node: Node): boolean {
  return (node.spec?.podCIDR ?? "") !== "";
}

/** For the node's condition; also says what to do. */
export function exhaustedMessage({ podCidr, nodeCidrPrefix }: PodCidrRange): string {
  const count = subnetCount(podCidr, nodeCidrPrefix);
  return (
    `all ${count} /${nodeCidrPrefix} blocks of the pod CIDR ${formatCidr(podCidr)} are taken: delete Node objects that are no ` +
    "longer used, or make a cluster with a larger --pod-cidr or a longer --node-cidr-prefix"
  );
}

function takenBlocks(store: Store, { podCidr, nodeCidrPrefix }: PodCidrRange): ReadonlySet<number> {
  const taken = new Set<number>();
  for (const entry of store.list(allocationPrefix).entries) {
    const block = blockOf(entry);
    const index = block?.prefix === nodeCidrPrefix ? subnetIndex(podCidr, block) : undefined;
    if (index !== undefined) taken.add(index);
  }
  return taken;
}

/** Read once, however many nodes join after it. */
const blocks = new WeakMap<Entry, Cidr | undefined>();

function blockOf(entry: Entry): Cidr | undefined {
  if (!blocks.has(entry)) blocks.set(entry, readCidr(entry.key.slice(allocationPrefix.length).replace("-", "/")));
  return blocks.get(entry);
}

function allocationKey(podCIDR: string): string {
  return allocationPrefix + podCIDR.replace("/", "-");
}

function readCidr(text: string | undefined): Cidr | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return parseCidr(text);
  } catch (error) {
    if (isAppError(error, "invalid")) return undefined;
    throw error;
  }
}
