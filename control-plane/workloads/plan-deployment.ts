/* A Deployment's next step, as Kubernetes' deployment controller decides it. Pure. One step at a time: what it writes brings the next
 * run, which reads how far things are then. */

import type { Clock } from "#core/clock.ts";
import { byAge, newestSet, revisionAnnotation, revisionOf } from "#core/rollout.ts";
import type { Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { claim } from "./claims.ts";
import { deadlineMs, deploymentStatus, isComplete, withFoundSet, withNewSet, withPause } from "./deployment-status.ts";
import { adoptedSet, newReplicaSet, releasedSet, scaledSet, withDeploymentsAnnotations } from "./deployments-sets.ts";
import { newSize, planRollingUpdate } from "./plan-rolling-update.ts";
import { availableOf, boundsOf, desiredFor, isRolling, proportionalScales, type Scale, sizeOf } from "./rollout-size.ts";

export interface DeploymentQuestion {
  readonly deployment: Deployment;
  /** In its namespace: at least those that it controls and those that nobody does. */
  readonly candidates: readonly ReplicaSet[];
  /** Uids of sets that have pods which have not ended, those that are asked to among them. */
  readonly populated: ReadonlySet<string>;
  /** Whether a ReplicaSet has that name. */
  readonly isTaken: (name: string) => boolean;
  readonly now: string;
  readonly nowMs: number;
  readonly timerMs: Clock["timerMs"];
}

export interface DeploymentPlan {
  readonly deployment: Deployment;
  /** Without a uid. */
  readonly create: ReplicaSet | undefined;
  /** What each changed set becomes. */
  readonly change: ReadonlyMap<ReplicaSet, ReplicaSet>;
  readonly remove: readonly ReplicaSet[];
  /** What is told about it, "Scaled up replica set web-… from 0 to 3". */
  readonly told: readonly string[];
  /** When the rollout is late if nothing moves. */
  readonly dueMs: number | undefined;
}

export function planDeployment(question: DeploymentQuestion): DeploymentPlan {
  const { candidates, now } = question;
  const given = question.deployment;
  const claims = claim({ owner: given, selector: given.spec?.selector, candidates });
  const change = new Map([
    ...claims.adopt.map((set) => [set, adoptedSet(given, set)] as const),
    ...claims.release.map((set) => [set, releasedSet(given, set)] as const),
  ]);
  const owned = [...claims.owned, ...claims.adopt];
  const ending = given.metadata?.deletionTimestamp !== undefined;
  const paused = ending ? given : withPause(given, now);
  const original = newestSet(paused, owned);
  const revision = Math.max(0, ...owned.filter((set) => set !== original).map(revisionOf)) + 1;
  const deployment =
    original === undefined || ending ? paused : withRevision(withFoundSet(paused, original, now), original, revision);
  if (original !== undefined && !ending) {
    change.set(original, withDeploymentsAnnotations(change.get(original) ?? original, { deployment, revision }));
  }
  const step: Step = ending
    ? stay
    : nextStep(question, { deployment, newSet: original, oldSets: owned.filter((set) => set !== original) });
  const told: string[] = [];
  for (const { set, size } of step.scales) {
    const before = change.get(set) ?? set;
    const after = scaledSet(before, { deployment, size });
    if (sizeOf(after) !== sizeOf(set)) told.push(scaledText(set, sizeOf(set), size));
    change.set(set, after);
  }
  const sets = owned.map((set) => change.get(set) ?? set);
  if (step.create !== undefined) return withCreation(question, { deployment, sets, change, told, revision, size: step.create });
  const newSet = original === undefined ? undefined : (change.get(original) ?? original);
  const status = deploymentStatus({ ...question, deployment, newSet, sets, rolling: step.rolling });
  const next = { ...deployment, status };
  return { deployment: next, create: undefined, change, remove: step.remove, told, dueMs: deadlineMs(next, question.timerMs) };
}

interface Versions {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
}

interface Step {
  /** The size of a set of the present template that isn't there yet. */
  readonly create?: number;
  readonly scales: readonly Scale[];
  readonly remove: readonly ReplicaSet[];
  readonly rolling: boolean;
}

const stay: Step = { scales: [], remove: [], rolling: false };

function nextStep({ populated }: DeploymentQuestion, versions: Versions): Step {
  const { deployment, newSet, oldSets } = versions;
  const { spec } = deployment;
  const resized = [...oldSets, ...(newSet === undefined ? [] : [newSet])].some(
    (set) => sizeOf(set) > 0 && desiredFor(set) !== undefined && desiredFor(set) !== spec?.replicas,
  );
  if (spec?.paused === true || resized) {
    const remove = spec?.paused === true ? outdated(versions) : [];
    return { scales: resizing(versions), remove, rolling: false };
  }
  const rest = { remove: isComplete(deployment, deployment.status) ? outdated(versions) : [], rolling: true };
  if (isRolling(spec)) {
    if (newSet === undefined) return { ...rest, create: newSize(boundsOf(deployment), undefined, oldSets), scales: [] };
    return { ...rest, scales: planRollingUpdate(deployment, { newSet, oldSets }) };
  }
  const old = oldSets.filter((set) => sizeOf(set) > 0);
  if (old.length > 0) return { ...rest, scales: old.map((set) => ({ set, size: 0 })) };
  if (oldSets.some(({ metadata }) => populated.has(metadata?.uid ?? ""))) return { ...rest, scales: [] };
  const replicas = spec?.replicas ?? 1;
  if (newSet === undefined) return { ...rest, create: replicas, scales: [] };
  return { ...rest, scales: sizeOf(newSet) === replicas ? [] : [{ set: newSet, size: replicas }] };
}

/** The Deployment's own size changed, or it is paused: no set is made, and none is preferred. */
function resizing({ deployment, newSet, oldSets }: Versions): Scale[] {
  const replicas = deployment.spec?.replicas ?? 1;
  const sets = [...oldSets, ...(newSet === undefined ? [] : [newSet])];
  const active = sets.filter((set) => sizeOf(set) > 0);
  const latest = newSet ?? oldSets.toSorted(byAge).at(-1);
  const only = active.length === 0 ? latest : active.length === 1 ? active[0] : undefined;
  if (only !== undefined) return [{ set: only, size: replicas }];
  const done =
    newSet !== undefined && desiredFor(newSet) === replicas && sizeOf(newSet) === replicas && availableOf(newSet) === replicas;
  if (done) return oldSets.filter((set) => sizeOf(set) > 0).map((set) => ({ set, size: 0 }));
  return isRolling(deployment.spec) ? proportionalScales(deployment, sets) : [];
}

/** Old sets beyond the history's limit: those without pods, the oldest first. */
function outdated({ deployment, oldSets }: Versions): ReplicaSet[] {
  const kept = oldSets.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const surplus = kept.length - (deployment.spec?.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  return kept
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, surplus)
    .filter((set) => sizeOf(set) === 0 && (set.status?.replicas ?? 0) === 0)
    .filter(({ metadata, status }) => (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0));
}

interface Creation {
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  readonly change: ReadonlyMap<ReplicaSet, ReplicaSet>;
  readonly told: readonly string[];
  readonly revision: number;
  readonly size: number;
}

function withCreation(question: DeploymentQuestion, creation: Creation): DeploymentPlan {
  const { deployment, sets, change, told, revision, size } = creation;
  const create = newReplicaSet(deployment, { revision, size });
  const name = create.metadata?.name ?? "";
  if (question.isTaken(name)) {
    // Another set has the name, of another template or of another owner: the next hash is another one.
    const status = { conditions: [], ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    return { deployment: { ...deployment, status }, create: undefined, change, remove: [], told, dueMs: undefined };
  }
  const made = withNewSet(withRevision(deployment, create, revision), create, question.now);
  const status = deploymentStatus({ ...question, deployment: made, newSet: create, sets: [...sets, create], rolling: true });
  const more = size > 0 ? [scaledText(create, 0, size)] : [];
  const next = { ...made, status };
  return { deployment: next, create, change, remove: [], told: [...told, ...more], dueMs: deadlineMs(next, question.timerMs) };
}

/** The Deployment says the revision of its newest set. */
function withRevision(deployment: Deployment, set: ReplicaSet, revision: number): Deployment {
  const text = String(Math.max(revision, revisionOf(set)));
  const { metadata } = deployment;
  if (metadata === undefined || metadata.annotations[revisionAnnotation] === text) return deployment;
  return { ...deployment, metadata: { ...metadata, annotations: { ...metadata.annotations, [revisionAnnotation]: text } } };
}

function scaledText({ metadata }: ReplicaSet, from: number, to: number): string {
  return `Scaled ${to > from ? "up" : "down"} replica set ${metadata?.name} from ${from} to ${to}`;
}
