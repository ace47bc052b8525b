import { isAppError } from "#core/errors.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { endingOf } from "../server/delete.ts";
import { findCondition } from "../state/conditions.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf, nameOf, unchanged } from "../state/objects.ts";

/**
 * Removes pods that no agent will ever end: those of a node that was deleted, and those whose deletion began before they had a
 * node. A pod whose maker named a node that never was is left to wait for that node.
 */
export function podGc({ store, clock, log }: Surroundings): Loop {
  return {
    name: "pod gc",
    prefixes: ["pods/", "nodes/"],
    async run() {
      const nodes = new Set(listObjects(store, nodeKind).map(({ object }) => nameOf(object)));
      for (const { entry, object } of listObjects(store, podKind)) {
        if (!isOrphan(object, nodes)) continue;
        const { writes } = endingOf(podKind as never, object, { store, nowMs: clock.wallMs(), gracePeriodSeconds: 0 });
        if (writes.length === 0) continue;
        try {
          await store.commit({ checks: [unchanged(entry)], writes });
          log.info(
            { pod: `${object.metadata?.namespace}/${nameOf(object)}`, node: object.spec?.nodeName },
            "removed an orphaned pod",
          );
        } catch (error) {
          // Whoever wrote first has woken this loop again.
          if (!isAppError(error, "conflict")) throw error;
        }
      }
      return undefined;
    },
  };
}

/** `nodes` holds the names of those that exist. */
function isOrphan(pod: Pod, nodes: ReadonlySet<string>): boolean {
  const node = pod.spec?.nodeName ?? "";
  if (nodes.has(node)) return false;
  if (metadataOf(pod).deletionTimestamp !== undefined) return true;
  // The scheduler says "True" of a pod once its node is there.
  return node !== "" && findCondition(pod.status?.conditions ?? [], "PodScheduled")?.status === "True";
}
