/* Which block a node gets. Next-fit, as Kubernetes' cidrset: the search begins behind the block that was granted last, so a
 * block that was just freed is the last to be used again, and packets that still fly to its old owner reach nobody new.
 *
 * Pure. (1) The answer is never in `taken`. (2) Undefined means that each block of the range is taken. (3) The preferred block
 * wins where it is free; one that isn't a block of this range is as good as none. */

import { type Cidr, subnetCount, subnetIndex } from "#core/cidr.ts";

export interface PodCidrQuestion {
  readonly range: Cidr;
  /** The length of each node's block. */
  readonly prefix: number;
  /** Indexes of the blocks that have an owner. */
  readonly taken: ReadonlySet<number>;
  /** The block granted last; -1 where there was none. */
  readonly lastIndex: number;
  /** The block that the node held before. */
  readonly preferred?: Cidr | undefined;
}

/** The index of a free block (see `subnetAt`), or undefined where there is none. */
export function choosePodCidr({ range, prefix, taken, lastIndex, preferred }: PodCidrQuestion): number | undefined {
  const wanted = preferred?.prefix === prefix ? subnetIndex(range, preferred) : undefined;
  if (wanted !== undefined && !taken.has(wanted)) return wanted;
  const count = subnetCount(range, prefix);
  for (let step = 1; step <= count; step++) {
    const index = (lastIndex + step) % count;
    if (!taken.has(index)) return index;
  }
  return undefined;
}
