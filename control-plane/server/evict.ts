/* Evict is a Delete that a PodDisruptionBudget may refuse (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). What the
 * budget allows is used up in the commit that begins the pod's end, so that two evictions never share it. */

import { type Clock, timestamp } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";
import type { DeleteAnswer, EvictRequest } from "#proto/podwire/v1/cluster.ts";
import type { Pod, PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { verdict } from "../disruption/budget.ts";
import { podsOf } from "../disruption/budget-controller.ts";
import { isReady, setCondition } from "../state/conditions.ts";
import {
  type Found,
  findObject,
  listObjects,
  metadataOf,
  nameOf,
  putObject,
  retryConflicts,
  unchanged,
  withResourceVersion,
} from "../state/objects.ts";
import type { Store } from "../store/store.ts";
import { endingOf } from "./delete.ts";
import { forbidden, notFound, stale } from "./refusals.ts";

const disruptedPodsMax = 2_000;

export function evictPod(store: Store, clock: Clock, request: EvictRequest): Promise<DeleteAnswer> {
  const { name, namespace, uid, gracePeriodSeconds, dryRun } = request;
  return retryConflicts(async () => {
    const found = findObject(store, podKind, { namespace: namespace || "default", name });
    if (found === undefined) throw notFound(podKind, name);
    const pod = found.object;
    if (uid !== undefined && uid !== metadataOf(pod).uid) {
      throw stale(podKind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadataOf(pod).uid}`);
    }
    const spent = spendBudget(store, pod, clock);
    const ending = endingOf(podKind as never, disrupted(pod, clock), { store, nowMs: clock.wallMs(), gracePeriodSeconds });
    const { object, gone, writes } = ending;
    if (dryRun || writes.length === 0) return { object: podKind.wrap(object as Pod), gone };
    const revision = await store.commit({
      checks: [found, ...spent.map(({ found: budget }) => budget)].map(({ entry }) => unchanged(entry)),
      writes: [...writes, ...spent.map(({ next }) => putObject(podDisruptionBudgetKind, next))],
    });
    return { object: podKind.wrap(withResourceVersion(object as Pod, revision)), gone };
  });
}

interface Spent {
  readonly found: Found<PodDisruptionBudget>;
  readonly next: PodDisruptionBudget;
}

/** The budget that pays for it, at most one. Throws where it can't. */
function spendBudget(store: Store, pod: Pod, clock: Clock): readonly Spent[] {
  if (!isMissed(pod)) return [];
  const budgets = listObjects(store, podDisruptionBudgetKind, metadataOf(pod).namespace);
  const [found, ...others] = budgets.filter(({ object }) => podsOf(object, [pod]).length > 0);
  if (found === undefined) return [];
  if (others.length > 0) {
    const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new AppError("failed-precondition", why, { reason: "InternalError" });
  }
  const next = afterEviction(found.object, pod, timestamp(clock));
  return next === undefined ? [] : [{ found, next }];
}

/** Nobody misses a pod that has ended, ends or never began. */
function isMissed({ metadata, status }: Pod): boolean {
  return status?.phase === "Running" && metadata?.deletionTimestamp === undefined;
}

/** The budget without this eviction; undefined where it costs nothing. Throws "exhausted" where nothing is left. */
export function afterEviction(budget: PodDisruptionBudget, pod: Pod, now: string): PodDisruptionBudget | undefined {
  const { metadata, spec, status } = budget;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0, disruptedPods = {}, conditions = [] } = status ?? {};
  const enough = desiredHealthy > 0 && currentHealthy >= desiredHealthy;
  if (!isReady(pod) && (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow" || enough)) return undefined;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) {
    throw refusal(`The disruption budget ${nameOf(budget)} is still being processed by the server.`);
  }
  if (Object.keys(disruptedPods).length >= disruptedPodsMax) {
    throw forbidden(
      podDisruptionBudgetKind,
      nameOf(budget),
      "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    );
  }
  if (disruptionsAllowed <= 0) {
    throw refusal(
      `The disruption budget ${nameOf(budget)} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  const left = disruptionsAllowed - 1;
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: left,
      disruptedPods: { ...disruptedPods, [nameOf(pod)]: now },
      conditions: [...setCondition(conditions, { type: "DisruptionAllowed", ...verdict(left) }, now)],
    },
  };
}

function refusal(cause: string): AppError {
  return new AppError("exhausted", `Cannot evict pod as it would violate the pod's disruption budget. ${cause}`, {
    reason: "TooManyRequests",
  });
}

function disrupted(pod: Pod, clock: Clock): Pod {
  if (pod.status === undefined) return pod;
  const message = "Eviction API: evicting";
  const wanted = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message } as const;
  return { ...pod, status: { ...pod.status, conditions: [...setCondition(pod.status.conditions, wanted, timestamp(clock))] } };
}
