/* What a Deployment says of itself, in Kubernetes' words. Pure. */

import type { Clock } from "#core/clock.ts";
import type { Condition, Deployment, DeploymentStatus, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { findCondition } from "../state/conditions.ts";
import { boundsOf, sizeOf, sum } from "./rollout-size.ts";

export interface StatusQuestion {
  /** Its status has the conditions so far. */
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  /** All of them, as the plan leaves them. */
  readonly sets: readonly ReplicaSet[];
  /** A pause or a change of size is no progress, and no lack of it. */
  readonly rolling: boolean;
  readonly now: string;
  readonly nowMs: number;
  readonly timerMs: Clock["timerMs"];
}

type Words = Pick<Condition, "type" | "status" | "reason" | "message">;

const noStatus: DeploymentStatus = { conditions: [] };
const complete = "NewReplicaSetAvailable";
const late = "ProgressDeadlineExceeded";

export function deploymentStatus(question: StatusQuestion): DeploymentStatus {
  const { deployment, newSet, sets, rolling } = question;
  const counted = { ...countsOf(deployment, newSet, sets), conditions: deployment.status?.conditions ?? [] };
  const { replicas, unavailable } = boundsOf(deployment);
  const available = (counted.availableReplicas ?? 0) >= replicas - unavailable;
  const conditions = [
    available
      ? words("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
      : words("Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
  ].reduce((list, wanted) => withCondition(list, wanted, question.now), counted.conditions);
  const progressing = rolling ? withProgress(question, counted, conditions) : conditions;
  return { ...counted, conditions: withFailure(question, progressing) };
}

function countsOf({ metadata, status }: Deployment, newSet: ReplicaSet | undefined, sets: readonly ReplicaSet[]) {
  const availableReplicas = sum(sets, (set) => set.status?.availableReplicas ?? 0);
  return {
    observedGeneration: metadata?.generation,
    replicas: sum(sets, (set) => set.status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(sets, sizeOf) - availableReplicas),
    collisionCount: status?.collisionCount,
  };
}

/** All pods are of the present template, available, and as many as asked for. */
export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus | undefined): boolean {
  const replicas = spec?.replicas ?? 1;
  const counts = [status?.replicas, status?.updatedReplicas, status?.availableReplicas];
  return counts.every((count) => (count ?? 0) === replicas) && (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);
}

function withProgress(question: StatusQuestion, status: DeploymentStatus, conditions: readonly Condition[]): Condition[] {
  const { deployment, newSet, now } = question;
  const present = findCondition(conditions, "Progressing");
  if (!hasDeadline(deployment)) return conditions.filter(({ type }) => type !== "Progressing");
  if (status.replicas === status.updatedReplicas && present?.reason === complete) return [...conditions];
  const who = newSet === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${newSet.metadata?.name}"`;
  if (isComplete(deployment, status)) {
    return withCondition(conditions, words("Progressing", "True", complete, `${who} has successfully progressed.`), now);
  }
  if (hasProgressed(deployment.status ?? noStatus, status)) {
    const wanted = words("Progressing", "True", "ReplicaSetUpdated", `${who} is progressing.`);
    const rest = conditions.filter((condition) => condition !== present);
    const since = present?.status === "True" ? (present.lastTransitionTime ?? now) : now;
    // Written even where it says the same, so that the deadline counts from the last progress.
    return [...rest, { ...wanted, lastUpdateTime: now, lastTransitionTime: since }];
  }
  if (isLate(question)) {
    return withCondition(conditions, words("Progressing", "False", late, `${who} has timed out progressing.`), now);
  }
  return [...conditions];
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const grown = (["updatedReplicas", "readyReplicas", "availableReplicas"] as const).some(
    (field) => (after[field] ?? 0) > (before[field] ?? 0),
  );
  return grown || oldPods(after) < oldPods(before);
}

function oldPods({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number {
  return replicas - updatedReplicas;
}

export function hasDeadline({ spec }: Deployment): boolean {
  return spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 0x7fff_ffff;
}

function isLate(question: StatusQuestion): boolean {
  const present = findCondition(question.deployment.status?.conditions ?? [], "Progressing");
  return (
    present?.reason === late || question.nowMs >= (deadlineMs(question.deployment, question.timerMs) ?? Number.POSITIVE_INFINITY)
  );
}

/** When the rollout will be late if nothing moves; undefined where it can't be. */
export function deadlineMs({ spec, status }: Deployment, timerMs: Clock["timerMs"]): number | undefined {
  const present = findCondition(status?.conditions ?? [], "Progressing");
  if (present === undefined || present.reason === complete || present.reason === late) return undefined;
  return Date.parse(present.lastUpdateTime ?? "") + timerMs(spec?.progressDeadlineSeconds ?? Number.POSITIVE_INFINITY);
}

/** What its sets can't do is told by the Deployment, too. */
function withFailure({ sets, newSet }: StatusQuestion, conditions: readonly Condition[]): Condition[] {
  const failing = [newSet, ...sets].flatMap((set) => findCondition(set?.status?.conditions ?? [], "ReplicaFailure") ?? []);
  const rest = conditions.filter(({ type }) => type !== "ReplicaFailure");
  return failing[0] === undefined ? rest : [...rest, failing[0]];
}

/** What stops and starts the clock of a rollout. */
export function withPause(deployment: Deployment, now: string): Deployment {
  const conditions = deployment.status?.conditions ?? [];
  const present = findCondition(conditions, "Progressing");
  const isPaused = deployment.spec?.paused === true;
  const wasPaused = present?.reason === "DeploymentPaused";
  if (!hasDeadline(deployment) || present?.reason === late || isPaused === wasPaused) return deployment;
  const wanted = isPaused
    ? words("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    : words("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  return withStatusCondition(deployment, wanted, now);
}

export function withNewSet(deployment: Deployment, set: ReplicaSet, now: string): Deployment {
  if (!hasDeadline(deployment)) return deployment;
  const message = `Created new replica set "${set.metadata?.name}"`;
  return withStatusCondition(deployment, words("Progressing", "True", "NewReplicaSetCreated", message), now);
}

export function withFoundSet(deployment: Deployment, set: ReplicaSet, now: string): Deployment {
  if (!hasDeadline(deployment) || findCondition(deployment.status?.conditions ?? [], "Progressing") !== undefined)
    return deployment;
  const message = `Found new replica set "${set.metadata?.name}"`;
  return withStatusCondition(deployment, words("Progressing", "True", "FoundNewReplicaSet", message), now);
}

function withStatusCondition(deployment: Deployment, wanted: Words, now: string): Deployment {
  const status = deployment.status ?? noStatus;
  return { ...deployment, status: { ...status, conditions: withCondition(status.conditions, wanted, now) } };
}

/** A condition of the same status and reason stays as it is. */
function withCondition(conditions: readonly Condition[], wanted: Words, now: string): Condition[] {
  const present = findCondition(conditions, wanted.type ?? "");
  if (present?.status === wanted.status && present?.reason === wanted.reason) return [...conditions];
  const since = present?.status === wanted.status ? (present?.lastTransitionTime ?? now) : now;
  return [
    ...conditions.filter((condition) => condition !== present),
    { ...wanted, lastUpdateTime: now, lastTransitionTime: since },
  ];
}

function words(type: string, status: "True" | "False" | "Unknown", reason: string, message: string): Words {
  return { type, status, reason, message };
}
