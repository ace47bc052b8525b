/* Which of a workload's pods count for a metric: Kubernetes' replica_calculator.go, groupPods. Pure. */

import type { Pod } from "#proto/podwire/v1/resources.ts";
import { findCondition } from "../../state/conditions.ts";

/** What a metric says of one pod, in thousandths of its unit. */
export interface Sample {
  readonly milli: number;
  /** The end of its window, in wall milliseconds. */
  readonly atMs: number;
  readonly windowMs: number;
}

export interface Patience {
  /** For so long after a pod's start its CPU counts only once it is Ready, measured after that: 5 minutes. */
  readonly initializationMs: number;
  /** A pod that became unready so soon after its start has never been ready: 30 seconds. */
  readonly readinessDelayMs: number;
}

export interface PodGroups {
  /** Those that count, with what they use. */
  readonly measured: ReadonlyMap<Pod, Sample>;
  /** They count as using nothing where there is too little room. */
  readonly unready: readonly Pod[];
  /** They should count, and nothing is known of them. */
  readonly missing: readonly Pod[];
}

export interface GroupingInput {
  readonly pods: readonly Pod[];
  readonly sampleOf: (pod: Pod) => Sample | undefined;
  /** Only CPU is much higher while a program starts. */
  readonly isCpu: boolean;
  readonly nowMs: number;
  readonly patience: Patience;
}

export function groupPods({ pods, sampleOf, isCpu, nowMs, patience }: GroupingInput): PodGroups {
  const measured = new Map<Pod, Sample>();
  const unready: Pod[] = [];
  const missing: Pod[] = [];
  for (const pod of pods) {
    if (pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase === "Failed") continue;
    const sample = sampleOf(pod);
    if (pod.status?.phase === "Pending") unready.push(pod);
    else if (sample === undefined) missing.push(pod);
    else if (isCpu && isStarting(pod, sample, nowMs, patience)) unready.push(pod);
    else measured.set(pod, sample);
  }
  return { measured, unready, missing };
}

function isStarting({ status }: Pod, sample: Sample, nowMs: number, { initializationMs, readinessDelayMs }: Patience): boolean {
  const ready = findCondition(status?.conditions ?? [], "Ready");
  const startedMs = Date.parse(status?.startTime ?? "");
  if (ready === undefined || Number.isNaN(startedMs)) return true;
  const changedMs = Date.parse(ready.lastTransitionTime ?? "");
  if (startedMs + initializationMs > nowMs) return ready.status === "False" || sample.atMs < changedMs + sample.windowMs;
  return ready.status === "False" && startedMs + readinessDelayMs > changedMs;
}
