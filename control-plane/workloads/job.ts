/* What becomes of a Job's pods, as Kubernetes' controller decides it (https://kubernetes.io/docs/concepts/workloads/controllers/job/).
 * Pure. A Job ends once: what its conditions then say stays. */

import { timestamp } from "#core/clock.ts";
import { unreachable } from "#core/errors.ts";
import { jobKind } from "#core/objects/job.ts";
import type { Condition, Job, JobStatus, Pod } from "#proto/podwire/v1/resources.ts";
import { findCondition, isReady, setCondition } from "../state/conditions.ts";
import { metadataOf } from "../state/objects.ts";
import { completedText, countPods, type JobCount, untracked } from "./job-count.ts";
import { missingPods, retryFromMs } from "./job-pods.ts";
import { earliest, type Saying, type Workload, type WorkloadPlan, type WorkloadQuestion } from "./workload.ts";

type Question = WorkloadQuestion<Job>;

export const jobWorkload: Workload<Job> = {
  kind: jobKind,
  component: "job-controller",
  followsNodes: false,
  selectorOf: ({ spec }) => spec?.selector,
  plan: planJob,
  says: (what, pod) => `${what === "created" ? "Created" : "Deleted"} pod: ${pod}`,
};

type Phase =
  | { readonly is: "ended"; readonly atMs: number }
  | { readonly is: "complete" }
  | { readonly is: "failed"; readonly reason: string; readonly message: string }
  | { readonly is: "suspended" }
  | { readonly is: "running" };

function planJob(question: Question): WorkloadPlan<Job> {
  const { owner, pods, clock } = question;
  const count = countPods(owner, pods);
  const phase = phaseOf(question, count);
  const nowMs = clock.wallMs();
  if (phase.is === "ended") {
    const ttl = owner.spec?.ttlSecondsAfterFinished;
    const dueMs = ttl === undefined ? undefined : phase.atMs + clock.timerMs(ttl);
    if (dueMs !== undefined && dueMs <= nowMs) return { create: [], remove: [], next: "gone" };
    return { create: [], remove: [], change: settled(count.counted), next: owner, dueMs };
  }
  const wanted = phase.is === "running" ? wantedActive(owner, count) : 0;
  const surplus = surplusOf(count, wanted);
  const fromMs = retryFromMs(owner, pods, clock);
  const missing = wanted - count.active.length - count.ending.length;
  const create = question.canCreate && fromMs <= nowMs ? missingPods(owner, { count, missing }) : [];
  const active = count.active.length - surplus.length + create.length;
  const status = statusOf(question, { count, phase, active, kept: count.active.filter((pod) => !surplus.includes(pod)) });
  return {
    create,
    // What we end ourselves is neither a success nor a failure.
    remove: surplus,
    change: [...settled(count.counted), ...settled(surplus)],
    next: { ...owner, status },
    dueMs: earliest([deadlineMs(question), missing > create.length && fromMs > nowMs ? fromMs : undefined]),
    says: sayings(owner, phase),
  };
}

function settled(pods: readonly Pod[]) {
  return pods.map((pod) => ({ from: pod, to: untracked(pod) }));
}

function phaseOf(question: Question, count: JobCount): Phase {
  const { owner, clock } = question;
  const { backoffLimit = 6, completions, suspend } = owner.spec ?? {};
  const conditions = owner.status?.conditions ?? [];
  const end = [findCondition(conditions, "Complete"), findCondition(conditions, "Failed")].find((one) => one?.status === "True");
  if (end !== undefined) return { is: "ended", atMs: Date.parse(end.lastTransitionTime ?? "") || 0 };
  if (count.failed > backoffLimit || restartsExceed(owner, count)) {
    return { is: "failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const dueMs = suspend === true ? undefined : deadlineMs(question);
  if (dueMs !== undefined && dueMs <= clock.wallMs()) {
    return { is: "failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  }
  const idle = count.active.length === 0 && count.ending.length === 0;
  const isComplete = completions === undefined ? count.succeeded > 0 && idle : count.succeeded >= completions;
  if (isComplete) return { is: "complete" };
  return suspend === true ? { is: "suspended" } : { is: "running" };
}

/** Containers that are started again in their pod count too. */
function restartsExceed({ spec }: Job, { active }: JobCount): boolean {
  if (spec?.template?.spec?.restartPolicy !== "OnFailure") return false;
  const statuses = active.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const restarts = statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
  const { backoffLimit = 6 } = spec;
  return backoffLimit === 0 ? restarts > 0 : restarts >= backoffLimit;
}

function deadlineMs({ owner, clock }: Question): number | undefined {
  const { activeDeadlineSeconds, suspend } = owner.spec ?? {};
  if (activeDeadlineSeconds === undefined || suspend === true) return undefined;
  return startMs(owner, clock.wallMs()) + clock.timerMs(activeDeadlineSeconds);
}

function startMs({ status }: Job, nowMs: number): number {
  const ms = Date.parse(status?.startTime ?? "");
  return Number.isNaN(ms) ? nowMs : ms;
}

function wantedActive({ spec }: Job, { succeeded, active }: JobCount): number {
  const { parallelism = 1, completions } = spec ?? {};
  if (completions !== undefined) return Math.max(0, Math.min(parallelism, completions - succeeded));
  // From a queue of work nobody takes more once one worker has found it empty.
  return succeeded > 0 ? Math.min(parallelism, active.length) : parallelism;
}

/** Those that are too many, such as do not work yet first. */
function surplusOf({ active }: JobCount, wanted: number): readonly Pod[] {
  const count = Math.max(0, active.length - wanted);
  return [...active].sort((a, b) => Number(isReady(a)) - Number(isReady(b)) || age(b) - age(a)).slice(0, count);
}

function age(pod: Pod): number {
  return Date.parse(metadataOf(pod).creationTimestamp ?? "") || 0;
}

interface Outcome {
  readonly count: JobCount;
  readonly phase: Phase;
  readonly active: number;
  /** Of those that were active, the ones that go on. */
  readonly kept: readonly Pod[];
}

function statusOf({ owner, clock }: Question, { count, phase, active, kept }: Outcome): JobStatus {
  const now = timestamp(clock);
  const startTime = phase.is === "suspended" ? undefined : owner.status?.startTime || now;
  // Those that are ended because the Job has failed have failed.
  const failed = count.failed + (phase.is === "failed" ? count.active.length : 0);
  return {
    conditions: conditionsOf(owner, phase, now),
    startTime,
    ...(phase.is === "complete" ? { completionTime: now } : {}),
    ...given("active", active),
    ...given("succeeded", count.succeeded),
    ...given("failed", failed),
    ready: kept.filter(isReady).length,
    ...(owner.spec?.completionMode === "Indexed" ? { completedIndexes: completedText(count.completedIndexes) } : {}),
  };
}

/** Kubernetes leaves out those that are 0. */
function given(field: "active" | "succeeded" | "failed", value: number): Partial<JobStatus> {
  return value === 0 ? {} : { [field]: value };
}

function conditionsOf({ status }: Job, phase: Phase, now: string): Condition[] {
  const before = status?.conditions ?? [];
  const suspended = findCondition(before, "Suspended");
  switch (phase.is) {
    case "ended":
      return before;
    case "complete":
      return [...setCondition(before, { type: "Complete", status: "True" }, now)];
    case "failed":
      return [...setCondition(before, { type: "Failed", status: "True", reason: phase.reason, message: phase.message }, now)];
    case "suspended": {
      const wanted = { type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended" } as const;
      return [...setCondition(before, wanted, now)];
    }
    case "running": {
      if (suspended === undefined) return before;
      const wanted = { type: "Suspended", status: "False", reason: "JobResumed", message: "Job resumed" } as const;
      return [...setCondition(before, wanted, now)];
    }
    default:
      return unreachable(phase);
  }
}

function sayings(job: Job, phase: Phase): readonly Saying[] {
  const suspended = findCondition(job.status?.conditions ?? [], "Suspended")?.status === "True";
  switch (phase.is) {
    case "complete":
      return [{ type: "Normal", reason: "Completed", message: "Job completed" }];
    case "failed":
      return [{ type: "Warning", reason: phase.reason, message: phase.message }];
    case "suspended":
      return suspended ? [] : [{ type: "Normal", reason: "Suspended", message: "Job suspended" }];
    case "running":
      return suspended ? [{ type: "Normal", reason: "Resumed", message: "Job resumed" }] : [];
    case "ended":
      return [];
    default:
      return unreachable(phase);
  }
}
