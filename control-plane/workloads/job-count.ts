/* How many pods of a Job succeeded and failed. Each pod has a finalizer until it is counted, and it loses that in the commit that counts
 * it: none is counted twice, and none is forgotten because somebody deletes it. Pure. */

import type { Job, Pod } from "#proto/podwire/v1/resources.ts";
import { metadataOf } from "../state/objects.ts";
import { formatIndexes, parseIndexes } from "./index-set.ts";
import { hasEnded } from "./pod-state.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";
export const indexAnnotation = "batch.kubernetes.io/job-completion-index";

export interface JobCount {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  /** Those that are counted with this. */
  readonly counted: readonly Pod[];
  /** Neither ended nor asked to. */
  readonly active: readonly Pod[];
  /** Asked to end, and not yet counted. */
  readonly ending: readonly Pod[];
}

export function countPods(job: Job, pods: readonly Pod[]): JobCount {
  const counted = pods.filter((pod) => isTracked(pod) && isOver(pod));
  const done = counted.filter(({ status }) => status?.phase === "Succeeded");
  const completedIndexes = new Set([
    ...parseIndexes(job.status?.completedIndexes ?? ""),
    ...done.flatMap((pod) => indexOf(pod) ?? []),
  ]);
  const isIndexed = job.spec?.completionMode === "Indexed";
  const standing = pods.filter((pod) => !isOver(pod));
  return {
    succeeded: isIndexed ? completedIndexes.size : (job.status?.succeeded ?? 0) + done.length,
    failed: (job.status?.failed ?? 0) + counted.length - done.length,
    completedIndexes,
    counted,
    active: standing.filter((pod) => metadataOf(pod).deletionTimestamp === undefined),
    ending: standing.filter((pod) => metadataOf(pod).deletionTimestamp !== undefined && isTracked(pod)),
  };
}

export function completedText(indexes: ReadonlySet<number>): string | undefined {
  return indexes.size === 0 ? undefined : formatIndexes(indexes);
}

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata?.annotations[indexAnnotation];
  return text === undefined ? undefined : Number(text);
}

export function untracked(pod: Pod): Pod {
  const metadata = metadataOf(pod);
  return { ...pod, metadata: { ...metadata, finalizers: metadata.finalizers.filter((one) => one !== trackingFinalizer) } };
}

function isTracked(pod: Pod): boolean {
  return metadataOf(pod).finalizers.includes(trackingFinalizer);
}

/** It has ended by itself, or it was asked to and its node has said that it did. */
function isOver(pod: Pod): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadataOf(pod);
  return hasEnded(pod) || (deletionTimestamp !== undefined && (deletionGracePeriodSeconds ?? 0) === 0);
}
