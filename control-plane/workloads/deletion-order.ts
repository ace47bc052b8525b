/* Which pods go first when there are too many, as Kubernetes' ActivePodsWithRanks ranks them: those whose loss is felt least. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../state/conditions.ts";
import { readySinceMs } from "./pod-state.ts";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

export interface DeletionQuestion {
  /** Active ones. */
  readonly pods: readonly Pod[];
  /** Active ones that do the same work, `pods` among them: of two on one node the other one stays. */
  readonly related: readonly Pod[];
}

/** The pods, the first to go first. */
export function inDeletionOrder({ pods, related }: DeletionQuestion): readonly Pod[] {
  const crowd = Map.groupBy(related, nodeOf);
  const ranked = pods.map((pod) => ({ pod, keys: keysOf(pod, crowd.get(nodeOf(pod))?.length ?? 0) }));
  return ranked.sort((a, b) => compare(a.keys, b.keys)).map(({ pod }) => pod);
}

/** Smaller goes first; each next number decides where those before are equal. */
function keysOf(pod: Pod, crowdCount: number): readonly number[] {
  const ready = isReady(pod);
  const restarts = (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  return [
    nodeOf(pod) === "" ? 0 : 1,
    phases[pod.status?.phase ?? "Pending"] ?? 2,
    ready ? 1 : 0,
    Number(pod.metadata?.annotations[costAnnotation] ?? 0) || 0,
    -crowdCount,
    ready ? -(readySinceMs(pod) ?? Number.MAX_SAFE_INTEGER) : 0,
    -restarts,
    -(Date.parse(pod.metadata?.creationTimestamp ?? "") || 0),
  ];
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, left] of a.entries()) {
    const right = b[i] ?? 0;
    if (left !== right) return left - right;
  }
  return 0;
}

function nodeOf({ spec }: Pod): string {
  return spec?.nodeName ?? "";
}
