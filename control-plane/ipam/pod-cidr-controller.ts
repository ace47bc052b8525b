import { isAppError } from "#core/errors.ts";
import { nodeKind } from "#core/objects/node.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, nameOf, putObject, unchanged } from "../state/objects.ts";
import { grantPodCidr, hasPodCidr, type PodCidrRange, withPodCidr } from "./allocator.ts";

/** Gives a block to nodes that joined while none was free, in the order of their creation. */
export function podCidrController({ store, log }: Surroundings, range: PodCidrRange): Loop {
  return {
    name: "pod CIDRs",
    prefixes: ["nodes/", "allocations/podCIDR/"],
    async run() {
      const waiting = listObjects(store, nodeKind)
        .filter(({ object }) => !hasPodCidr(object) && object.metadata?.deletionTimestamp === undefined)
        .sort((a, b) => a.entry.createRevision - b.entry.createRevision);
      for (const { entry, object } of waiting) {
        const nodeName = nameOf(object);
        const grant = grantPodCidr(store, range, { nodeName });
        if (grant === undefined) return undefined;
        try {
          await store.commit({
            checks: [unchanged(entry), ...grant.checks],
            writes: [putObject(nodeKind, withPodCidr(object, grant.podCIDR)), ...grant.writes],
          });
          log.info({ node: nodeName, podCIDR: grant.podCIDR }, "node got a pod CIDR");
        } catch (error) {
          // Whoever wrote first has woken this loop again.
          if (!isAppError(error, "conflict")) throw error;
        }
      }
      return undefined;
    },
  };
}
