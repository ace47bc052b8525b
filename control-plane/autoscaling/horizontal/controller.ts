/* Keeps each workload that has a HorizontalPodAutoscaler at the size that its metrics ask for. What is decided, plan.ts decides; this reads,
 * writes both objects in one commit, and says what happened. */

import { type Clock, timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { horizontalPodAutoscalerKind } from "#core/objects/horizontal-pod-autoscaler.ts";
import { parseQuantity } from "#core/quantity.ts";
import type { Condition, HorizontalPodAutoscaler, HPAScalingRules } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../../events/recorder.ts";
import type { NewestMetrics } from "../../metrics/newest.ts";
import { findCondition, setCondition } from "../../state/conditions.ts";
import type { Loop, Surroundings } from "../../state/follow.ts";
import { type Found, listObjects, metadataOf, putObject, sameObject, unchanged } from "../../state/objects.ts";
import type { Store } from "../../store/store.ts";
import { findScaleTarget, type ScaleTarget } from "../scale-target.ts";
import { firstPast, type ScalingPast } from "./behavior.ts";
import { measure } from "./measure.ts";
import { createMetricReader } from "./metric-reader.ts";
import { type AutoscalerPlan, planAutoscaler } from "./plan.ts";

/** Kubernetes' --horizontal-pod-autoscaler-… flags, in seconds. */
const syncSeconds = 15;
const initializationSeconds = 300;
const readinessDelaySeconds = 30;
const toleranceDefault = 0.1;
const billion = 1e9;

export interface HorizontalSurroundings extends Surroundings {
  readonly events: EventRecorder;
  readonly metrics: NewestMetrics;
}

/** Of one autoscaler, between looks at it; in memory, as Kubernetes has it. */
interface Known {
  readonly generation: number;
  /** Undefined until its workload was seen. */
  readonly past: ScalingPast | undefined;
  readonly nextMs: number;
}

export function horizontalAutoscaler(surroundings: HorizontalSurroundings): Loop {
  const { store, clock } = surroundings;
  /** By uid. */
  const known = new Map<string, Known>();
  return {
    name: "horizontal pod autoscaler",
    prefixes: ["horizontalpodautoscalers/"],
    async run() {
      const found = listObjects(store, horizontalPodAutoscalerKind);
      const uids = new Set(found.map(({ object }) => object.metadata?.uid ?? ""));
      for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
      await Promise.all(
        found.map(async (one) => {
          const { uid = "", generation = 0, deletionTimestamp } = metadataOf(one.object);
          const before = known.get(uid);
          const isDue = before === undefined || before.generation !== generation || before.nextMs <= clock.monotonicMs();
          if (!isDue || deletionTimestamp !== undefined) return;
          const past = await scale(one, before?.past, surroundings);
          known.set(uid, { generation, past, nextMs: clock.monotonicMs() + clock.timerMs(syncSeconds) });
        }),
      );
      const waits = [...known.values()].map(({ nextMs }) => Math.max(0, nextMs - clock.monotonicMs()));
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };
}

/** Answers what to remember of it. */
async function scale(
  found: Found<HorizontalPodAutoscaler>,
  known: ScalingPast | undefined,
  context: HorizontalSurroundings,
): Promise<ScalingPast | undefined> {
  const { store, clock, events, log } = context;
  const autoscaler = found.object;
  const tell = (type: "Normal" | "Warning", reason: string, message: string) => {
    const about = referenceTo(horizontalPodAutoscalerKind, autoscaler);
    events.record({ about, type, reason, message, component: "horizontal-pod-autoscaler" });
  };
  const target = findScaleTarget(store, metadataOf(autoscaler).namespace ?? "", autoscaler.spec?.scaleTargetRef ?? {});
  if (typeof target === "string") {
    tell("Warning", "FailedGetScale", target);
    await write(found, withoutScale(autoscaler, target, clock), context);
    return known;
  }
  const past = known ?? firstPast(target.replicas, clock.wallMs());
  const plan = planFor(autoscaler, target, past, context);
  // Said once and not at every look: the condition goes on saying it.
  if (!saysSame(autoscaler, plan)) for (const { reason, message } of plan.problems) tell("Warning", reason, message);
  try {
    const wrote = await write(
      found,
      withStatus(autoscaler, target, plan, clock),
      context,
      plan.reason === undefined ? undefined : { target, replicas: plan.replicas },
    );
    if (!wrote) return past;
  } catch (error) {
    // Whoever wrote the workload first may have scaled it: the next look sees.
    if (!isAppError(error, "conflict")) throw error;
    if (plan.reason !== undefined)
      tell("Warning", "FailedRescale", `New size: ${plan.replicas}; reason: ${plan.reason}; error: ${error.message}`);
    return past;
  }
  if (plan.reason !== undefined) {
    tell("Normal", "SuccessfulRescale", `New size: ${plan.replicas}; reason: ${plan.reason}`);
    const { namespace, name } = metadataOf(autoscaler);
    log.info(
      { autoscaler: `${namespace}/${name}`, from: target.replicas, to: plan.replicas, reason: plan.reason },
      "workload scaled",
    );
  }
  return plan.past;
}

function saysSame({ status }: HorizontalPodAutoscaler, { conditions }: AutoscalerPlan): boolean {
  const messageIn = (list: readonly Condition[]) => findCondition(list, "ScalingActive")?.message;
  return messageIn(status?.conditions ?? []) === messageIn(conditions);
}

function planFor(
  autoscaler: HorizontalPodAutoscaler,
  { pods, replicas }: ScaleTarget,
  past: ScalingPast,
  { store, clock, metrics }: HorizontalSurroundings,
): AutoscalerPlan {
  const nowMs = clock.wallMs();
  const { scaleUp, scaleDown } = autoscaler.spec?.behavior ?? {};
  const input = {
    ...{ pods, currentReplicas: replicas, nowMs },
    tolerance: { up: toleranceOf(scaleUp), down: toleranceOf(scaleDown) },
    patience: { initializationMs: clock.timerMs(initializationSeconds), readinessDelayMs: clock.timerMs(readinessDelaySeconds) },
    reader: createMetricReader({ store, metrics, namespace: metadataOf(autoscaler).namespace ?? "", nowMs }),
  };
  return planAutoscaler({
    ...{ autoscaler, current: replicas, past, rivals: rivalsOf(autoscaler, store), now: timestamp(clock), nowMs },
    measure: (metric) => measure(metric, input),
    timerMs: (seconds) => clock.timerMs(seconds),
  });
}

/** It and those with the same workload, where there are any. */
function rivalsOf({ metadata, spec }: HorizontalPodAutoscaler, store: Store): readonly string[] {
  const { kind, name } = spec?.scaleTargetRef ?? {};
  const same = listObjects(store, horizontalPodAutoscalerKind, metadata?.namespace).filter(({ object }) => {
    const target = object.spec?.scaleTargetRef;
    return target?.kind === kind && target?.name === name && object.metadata?.deletionTimestamp === undefined;
  });
  return same.length < 2 ? [] : same.map(({ object }) => `${object.metadata?.namespace}/${object.metadata?.name}`);
}

function toleranceOf(rules: HPAScalingRules | undefined): number {
  return rules?.tolerance === undefined ? toleranceDefault : Number(parseQuantity(rules.tolerance)) / billion;
}

function withStatus(
  autoscaler: HorizontalPodAutoscaler,
  { replicas }: ScaleTarget,
  plan: AutoscalerPlan,
  clock: Clock,
): HorizontalPodAutoscaler {
  const now = timestamp(clock);
  const rescaled = {
    type: "AbleToScale",
    status: "True",
    reason: "SucceededRescale",
    message: `the HPA controller was able to update the target scale to ${plan.replicas}`,
  } as const;
  const isScaled = plan.reason !== undefined;
  return {
    ...autoscaler,
    status: {
      observedGeneration: autoscaler.metadata?.generation,
      lastScaleTime: isScaled ? now : autoscaler.status?.lastScaleTime,
      currentReplicas: replicas,
      desiredReplicas: plan.replicas,
      currentMetrics: [...plan.currentMetrics],
      conditions: [...(isScaled ? setCondition(plan.conditions, rescaled, now) : plan.conditions)],
    },
  };
}

function withoutScale(autoscaler: HorizontalPodAutoscaler, problem: string, clock: Clock): HorizontalPodAutoscaler {
  const message = `the HPA controller was unable to get the target's current scale: ${problem}`;
  const unable = { type: "AbleToScale", status: "False", reason: "FailedGetScale", message } as const;
  const { status } = autoscaler;
  const conditions = [...setCondition(status?.conditions ?? [], unable, timestamp(clock))];
  return { ...autoscaler, status: { currentMetrics: [], ...status, conditions } };
}

/** False where somebody wrote the autoscaler first. The workload changes in the same commit or not at all: "conflict" where it has changed. */
async function write(
  { entry, object }: Found<HorizontalPodAutoscaler>,
  next: HorizontalPodAutoscaler,
  { store }: HorizontalSurroundings,
  change?: { readonly target: ScaleTarget; readonly replicas: number },
): Promise<boolean> {
  const workload = change === undefined ? [] : [{ ...change.target, object: change.target.withReplicas(change.replicas) }];
  if (workload.length === 0 && sameObject(horizontalPodAutoscalerKind, next, object)) return true;
  try {
    await store.commit({
      checks: [unchanged(entry), ...workload.map(({ found }) => unchanged(found.entry))],
      writes: [
        putObject(horizontalPodAutoscalerKind, next),
        ...workload.map(({ kind, object: scaled }) => putObject(kind, scaled)),
      ],
    });
    return true;
  } catch (error) {
    if (isAppError(error, "conflict") && store.get(entry.key)?.modRevision !== entry.modRevision) return false;
    throw error;
  }
}
