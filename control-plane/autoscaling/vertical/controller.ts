/* Says what pods should ask for, by what they used, and where an autoscaler's mode is Recreate replaces those that ask for something
 * else: the real recommender and updater in one. What new pods get is said where they are made (for-owner.ts). */

import { timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { podKind } from "#core/objects/pod.ts";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import type { Pod, VerticalPodAutoscaler } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../../events/recorder.ts";
import type { NewestMetrics } from "../../metrics/newest.ts";
import { evictPod } from "../../server/evict.ts";
import type { Loop, Surroundings } from "../../state/follow.ts";
import { listObjects, metadataOf, nameOf, prefixOf, sameObject, updateObject } from "../../state/objects.ts";
import { controllerOf } from "../../workloads/owners.ts";
import { createPlanMemo } from "../../workloads/plan-memo.ts";
import { isActive } from "../../workloads/pod-state.ts";
import { recommend } from "./recommend.ts";
import { planReplacement } from "./replacement.ts";
import { withStatus } from "./status.ts";
import { autoscalersByTarget, ownerOf, type Target, targetOf, targetsAbove } from "./targets.ts";
import { createUsageBook, type UsageBook } from "./usage-book.ts";

const sampleSeconds = 15;
const recommendSeconds = 60;
const daySeconds = 86_400;
/** However fast the cluster's time runs: nodes measure in real time, every few seconds. */
const pauseMsMin = 250;

export interface VerticalSurroundings extends Surroundings {
  readonly metrics: NewestMetrics;
  readonly events: EventRecorder;
}

export function verticalAutoscaling(surroundings: VerticalSurroundings): Loop {
  const { store, clock } = surroundings;
  const book = createUsageBook();
  const memo = createPlanMemo();
  return {
    name: "vertical pod autoscalers",
    prefixes: [prefixOf(verticalPodAutoscalerKind)],
    async run() {
      const nowMs = clock.monotonicMs();
      const found = listObjects(store, verticalPodAutoscalerKind);
      memo.keepOnly(found.map(({ key }) => key));
      const autoscalers = autoscalersByTarget(store);
      const pods = podsByTarget(surroundings, autoscalers);
      noteUsage(surroundings, book, pods);
      for (const { key, object } of found) {
        const { uid, generation } = metadataOf(object);
        const basis = [uid, generation];
        if (!memo.isNews(key, basis, nowMs)) continue;
        const ofTarget = pods.get(targetOf(object)) ?? [];
        const next = await recommendFor(surroundings, book, object, ofTarget);
        memo.remember(key, basis, nowMs + clock.timerMs(recommendSeconds));
        if (autoscalers.get(targetOf(object)) === object) await replacePods(surroundings, next, ofTarget);
      }
      return found.length === 0 ? undefined : Math.max(clock.timerMs(sampleSeconds), pauseMsMin);
    },
  };
}

/** Of every target that has an autoscaler, without pods too. */
type PodsByTarget = ReadonlyMap<Target, readonly Pod[]>;

/** Each pod with the nearest of its targets that has an autoscaler, which is also the one that new pods listen to. */
function podsByTarget({ store }: VerticalSurroundings, autoscalers: ReadonlyMap<Target, unknown>): PodsByTarget {
  const result = new Map<Target, Pod[]>();
  for (const target of autoscalers.keys()) result.set(target, []);
  if (autoscalers.size === 0) return result;
  for (const { object: pod } of listObjects(store, podKind)) {
    const target = isActive(pod) ? targetsAbove(store, pod).find((above) => result.has(above)) : undefined;
    if (target !== undefined) result.get(target)?.push(pod);
  }
  return result;
}

function noteUsage({ clock, metrics }: VerticalSurroundings, book: UsageBook, pods: PodsByTarget): void {
  const atDays = clock.monotonicMs() / clock.timerMs(daySeconds);
  for (const [target, ofTarget] of pods) {
    for (const pod of ofTarget) {
      const measured = metrics.pod(pod.spec?.nodeName ?? "", metadataOf(pod).uid ?? "");
      if (measured !== undefined) book.note(target, pod, measured, atDays);
    }
  }
  book.keepOnly(pods);
}

/** The autoscaler as it is now. */
async function recommendFor(
  { store, clock }: VerticalSurroundings,
  book: UsageBook,
  autoscaler: VerticalPodAutoscaler,
  pods: readonly Pod[],
): Promise<VerticalPodAutoscaler> {
  const { namespace, uid } = metadataOf(autoscaler);
  const usage = book.of(targetOf(autoscaler));
  const facts = {
    recommendation:
      usage.size === 0 ? undefined : recommend({ autoscaler, usage, containersPerPod: containersPerPod(pods) ?? usage.size }),
    podsMatched: pods.length > 0,
    now: timestamp(clock),
  };
  let next = autoscaler;
  await updateObject(store, verticalPodAutoscalerKind, {
    ...{ namespace, name: nameOf(autoscaler) },
    change(current) {
      if (current.metadata?.uid !== uid) return undefined;
      next = withStatus(current, facts);
      return sameObject(verticalPodAutoscalerKind, next, current) ? undefined : next;
    },
  });
  return next;
}

function containersPerPod(pods: readonly Pod[]): number | undefined {
  return pods.length === 0 ? undefined : Math.max(...pods.map(({ spec }) => spec?.containers.length ?? 1));
}

async function replacePods(surroundings: VerticalSurroundings, autoscaler: VerticalPodAutoscaler, pods: readonly Pod[]) {
  const { clock } = surroundings;
  const groups = Map.groupBy(pods, (pod) => controllerOf(pod)?.uid);
  for (const group of groups.values()) {
    const { waiting, running, room } = planReplacement({
      autoscaler,
      pods: group,
      wanted: wantedBy(surroundings, group),
      nowMs: clock.wallMs(),
      halfDayMs: clock.timerMs(daySeconds / 2),
    });
    for (const pod of waiting) await tryEvicting(surroundings, pod);
    let left = room;
    for (const pod of running) {
      if (left <= 0) break;
      if (await tryEvicting(surroundings, pod)) left -= 1;
    }
  }
}

function wantedBy({ store }: VerticalSurroundings, [pod]: readonly Pod[]): number | undefined {
  const reference = pod && controllerOf(pod);
  const owner = reference && ownerOf(store, pod.metadata?.namespace, reference);
  return (owner as { readonly spec?: { readonly replicas?: number } } | undefined)?.spec?.replicas;
}

/** Whether it went. A pod whose budget is used up, or that is gone already, waits for the next round. */
async function tryEvicting({ store, clock, events, log }: VerticalSurroundings, pod: Pod): Promise<boolean> {
  const { namespace = "", uid } = metadataOf(pod);
  try {
    await evictPod(store, clock, { namespace, name: nameOf(pod), uid, gracePeriodSeconds: undefined, dryRun: false });
  } catch (error) {
    if (!isAppError(error, "exhausted", "not-found", "conflict", "failed-precondition", "forbidden")) throw error;
    log.debug({ err: error, pod: `${namespace}/${nameOf(pod)}` }, "a pod was not evicted to change its resources");
    return false;
  }
  const message = "Pod was evicted by VPA Updater to apply resource recommendation.";
  events.record({ about: referenceTo(podKind, pod), type: "Normal", reason: "EvictedByVPA", message, component: "vpa-updater" });
  return true;
}
