/* How fast a workload may follow its metrics: Kubernetes' horizontal.go, normalizeDesiredReplicasWithBehaviors. Pure. */

import { defaultBehavior } from "#core/objects/horizontal-pod-autoscaler.ts";
import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from "#proto/podwire/v1/resources.ts";
import type { WantedCondition } from "../../state/conditions.ts";

export interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

/** How many pods came or went at once. */
export interface ScaleEvent {
  readonly count: number;
  readonly atMs: number;
}

/** What is remembered of an autoscaler from one look to the next. */
export interface ScalingPast {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

export const noPast: ScalingPast = { recommendations: [], ups: [], downs: [] };

/** Of an autoscaler that nothing is known of: that what is there was wanted, so that it goes down no sooner after a restart. */
export function firstPast(replicas: number, nowMs: number): ScalingPast {
  return { ...noPast, recommendations: [{ replicas, atMs: nowMs }] };
}

export interface PaceInput {
  readonly behavior: HorizontalPodAutoscalerBehavior | undefined;
  readonly past: ScalingPast;
  readonly current: number;
  /** What the metrics ask for. */
  readonly wanted: number;
  readonly min: number;
  readonly max: number;
  readonly nowMs: number;
  /** How long a declared number of seconds is. */
  readonly timerMs: (seconds: number) => number;
}

export interface Pace {
  readonly replicas: number;
  readonly ableToScale: WantedCondition;
  readonly scalingLimited: WantedCondition;
}

export function pace(input: PaceInput): Pace {
  const { up, down } = rulesOf(input.behavior);
  const { replicas: stable, ableToScale } = stabilized(input, up, down);
  return { ableToScale, ...limited({ ...input, wanted: stable }, up, down) };
}

/** What is given; where the window down is not, it is the controller's own. */
function rulesOf(behavior: HorizontalPodAutoscalerBehavior | undefined): {
  readonly up: HPAScalingRules;
  readonly down: HPAScalingRules;
} {
  const { scaleUp: up = defaultBehavior.scaleUp, scaleDown: down = defaultBehavior.scaleDown } = behavior ?? {};
  const { stabilizationWindowSeconds = defaultBehavior.scaleDown.stabilizationWindowSeconds } = down;
  return { up, down: { ...down, stabilizationWindowSeconds } };
}

/** Of what was wanted in each window the most moderate counts. */
function stabilized({ past, current, wanted, nowMs, timerMs }: PaceInput, up: HPAScalingRules, down: HPAScalingRules) {
  const within = ({ stabilizationWindowSeconds = 0 }: HPAScalingRules) =>
    past.recommendations.filter(({ atMs }) => atMs > nowMs - timerMs(stabilizationWindowSeconds)).map(({ replicas }) => replicas);
  const lowest = Math.min(wanted, ...within(up));
  const highest = Math.max(wanted, ...within(down));
  const replicas = Math.min(highest, Math.max(lowest, current));
  return { replicas, ableToScale: stabilityCondition(replicas, wanted) };
}

function stabilityCondition(replicas: number, wanted: number): WantedCondition {
  const able = { type: "AbleToScale", status: "True" } as const;
  if (replicas === wanted) {
    return { ...able, reason: "ReadyForNewScale", message: "recommended size matches current size" };
  }
  const [reason, message] =
    replicas < wanted
      ? ["ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"]
      : [
          "ScaleDownStabilized",
          "recent recommendations were higher than current one, applying the highest recent recommendation",
        ];
  return { ...able, reason, message };
}

function limited(input: PaceInput, up: HPAScalingRules, down: HPAScalingRules): Omit<Pace, "ableToScale"> {
  const { current, wanted, min, max } = input;
  if (wanted > current) {
    const limit = Math.max(current, upLimit(input, up));
    const most = Math.min(limit, max);
    if (wanted > most) {
      return limit < max
        ? stop(most, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
        : stop(most, "TooManyReplicas", "the desired replica count is more than the maximum replica count");
    }
  } else if (wanted < current) {
    const limit = Math.min(current, downLimit(input, down));
    const least = Math.max(limit, min);
    if (wanted < least) {
      return limit > min
        ? stop(least, "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
        : stop(least, "TooFewReplicas", "the desired replica count is less than the minimum replica count");
    }
  }
  return within(wanted);
}

function within(replicas: number): Omit<Pace, "ableToScale"> {
  const message = "the desired count is within the acceptable range";
  return { replicas, scalingLimited: { type: "ScalingLimited", status: "False", reason: "DesiredWithinRange", message } };
}

function stop(replicas: number, reason: string, message: string): Omit<Pace, "ableToScale"> {
  return { replicas, scalingLimited: { type: "ScalingLimited", status: "True", reason, message } };
}

function upLimit(input: PaceInput, { selectPolicy, policies }: HPAScalingRules): number {
  if (selectPolicy === "Disabled") return input.current;
  const limits = policies.map(({ type, value = 0, periodSeconds = 0 }) => {
    const start = startOf(input, periodSeconds);
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selectPolicy === "Min" ? Math.min(...limits) : Math.max(...limits);
}

function downLimit(input: PaceInput, { selectPolicy, policies }: HPAScalingRules): number {
  if (selectPolicy === "Disabled") return input.current;
  const limits = policies.map(({ type, value = 0, periodSeconds = 0 }) => {
    const start = startOf(input, periodSeconds);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  // The most that may go leaves the fewest.
  return selectPolicy === "Min" ? Math.max(...limits) : Math.min(...limits);
}

/** How many there were when the period began. */
function startOf({ past, current, nowMs, timerMs }: PaceInput, periodSeconds: number): number {
  const changed = (events: readonly ScaleEvent[]) =>
    events.filter(({ atMs }) => atMs > nowMs - timerMs(periodSeconds)).reduce((sum, { count }) => sum + count, 0);
  return current - changed(past.ups) + changed(past.downs);
}

/** The past with this look in it, without what no window or period reaches any more. */
export function remember({ past, behavior, current, wanted, nowMs, timerMs }: PaceInput, replicas: number): ScalingPast {
  const rules = Object.values(rulesOf(behavior));
  const windows = rules.map(({ stabilizationWindowSeconds = 0 }) => stabilizationWindowSeconds);
  const periods = rules.flatMap(({ policies }) => policies.map(({ periodSeconds = 0 }) => periodSeconds));
  const since = (seconds: readonly number[]) => nowMs - timerMs(Math.max(0, ...seconds));
  const recent = <T extends { readonly atMs: number }>(items: readonly T[], fromMs: number) =>
    items.filter(({ atMs }) => atMs > fromMs);
  const step = { count: Math.abs(replicas - current), atMs: nowMs };
  return {
    recommendations: recent([...past.recommendations, { replicas: wanted, atMs: nowMs }], since(windows)),
    ups: recent(replicas > current ? [...past.ups, step] : past.ups, since(periods)),
    downs: recent(replicas < current ? [...past.downs, step] : past.downs, since(periods)),
  };
}
