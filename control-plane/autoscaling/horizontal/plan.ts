/* What an autoscaler does now: the new number of pods, its status, and what it says of it, in the words of Kubernetes' horizontal.go. Pure. */

import type { Condition, HorizontalPodAutoscaler, MetricSpec, MetricStatus } from "#proto/podwire/v1/resources.ts";
import { setCondition, type WantedCondition } from "../../state/conditions.ts";
import { noPast, type PaceInput, pace, remember, type ScalingPast } from "./behavior.ts";
import type { Measured } from "./measure.ts";

export interface PlanInput {
  readonly autoscaler: HorizontalPodAutoscaler;
  /** What the target's spec says. */
  readonly current: number;
  readonly past: ScalingPast;
  /** All autoscalers that scale the same pods, where there are others: none of them does. */
  readonly rivals: readonly string[];
  readonly measure: (metric: MetricSpec) => Measured;
  readonly now: string;
  readonly nowMs: number;
  readonly timerMs: (seconds: number) => number;
}

export interface AutoscalerPlan {
  /** What the target's spec should say. */
  readonly replicas: number;
  /** Why it changes; absent where it stays. */
  readonly reason?: string;
  readonly conditions: readonly Condition[];
  readonly currentMetrics: readonly MetricStatus[];
  readonly past: ScalingPast;
  /** What went wrong, for events. */
  readonly problems: readonly { readonly reason: string; readonly message: string }[];
}

export function planAutoscaler(input: PlanInput): AutoscalerPlan {
  const { autoscaler, current, past, now } = input;
  const { minReplicas: min = 1, maxReplicas: max = 1 } = autoscaler.spec ?? {};
  const before = autoscaler.status?.conditions ?? [];
  const able = setCondition(before, gotScale, now);
  const known = autoscaler.status?.currentMetrics ?? [];
  if (current === 0 && min !== 0) {
    const conditions = setCondition(able, scalingDisabled, now);
    return { replicas: 0, conditions, currentMetrics: known, past: noPast, problems: [] };
  }
  if (current > max || current < min) {
    const bound = current > max ? max : min;
    const reason = `Current number of replicas ${current > max ? "above Spec.MaxReplicas" : "below Spec.MinReplicas"}`;
    return { replicas: bound, reason, conditions: able, currentMetrics: known, past, problems: [] };
  }
  const asked = ask(input);
  if (!asked.ok) {
    const { reason, message, problems, currentMetrics } = asked;
    const conditions = setCondition(able, { type: "ScalingActive", status: "False", reason, message }, now);
    return { replicas: current, conditions, currentMetrics, past, problems };
  }
  const pacing: PaceInput = { ...input, behavior: autoscaler.spec?.behavior, wanted: asked.replicas, min, max };
  const { replicas, ableToScale, scalingLimited } = pace(pacing);
  const wanted = [scalingActive(asked.title), ableToScale, scalingLimited];
  return {
    replicas,
    ...(replicas === current ? {} : { reason: reasonFor(asked, current) }),
    conditions: wanted.reduce((conditions, condition) => setCondition(conditions, condition, now), able),
    currentMetrics: asked.currentMetrics,
    past: remember(pacing, replicas),
    problems: asked.problems,
  };
}

type Asked =
  | {
      readonly ok: true;
      readonly replicas: number;
      /** Of the metric that asks for the most. */
      readonly title: string;
      readonly currentMetrics: readonly MetricStatus[];
      readonly problems: AutoscalerPlan["problems"];
    }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly message: string;
      readonly currentMetrics: readonly MetricStatus[];
      readonly problems: AutoscalerPlan["problems"];
    };

/** The most that any metric asks for. Where one can't be had, the others may ask for more and never for less. */
function ask({ autoscaler, current, rivals, measure }: PlanInput): Asked {
  if (rivals.length > 0) {
    const failure = {
      reason: "AmbiguousSelector",
      message: `the workload's pods are controlled by multiple HPAs: ${rivals.join(", ")}`,
    };
    return { ok: false, ...failure, currentMetrics: [], problems: [failure] };
  }
  const outcomes = (autoscaler.spec?.metrics ?? []).map(measure);
  const good = outcomes.filter((outcome) => outcome.ok);
  const bad = outcomes.filter((outcome) => !outcome.ok);
  // Empty ones hold the places of those that can't be had.
  const currentMetrics = outcomes.map((outcome) => (outcome.ok ? outcome.status : { type: "" }));
  const problems = bad.map(({ reason, message }) => ({ reason, message }));
  const most = good.reduce<(typeof good)[number] | undefined>(
    (best, one) => (best === undefined || one.replicas > best.replicas ? one : best),
    undefined,
  );
  const [first] = bad;
  if (first !== undefined && (most === undefined || most.replicas < current)) {
    const message =
      most === undefined
        ? `the HPA was unable to compute the replica count: ${first.message}`
        : `invalid metrics (${bad.length} invalid out of ${outcomes.length}), first error is: ${first.message}`;
    const failure = {
      reason: "FailedComputeMetricsReplicas",
      message: `invalid metrics (${bad.length} invalid out of ${outcomes.length}), first error is: ${first.message}`,
    };
    return { ok: false, reason: first.reason, message, currentMetrics, problems: [...problems, failure] };
  }
  return { ok: true, replicas: most?.replicas ?? current, title: most?.title ?? "", currentMetrics, problems };
}

function reasonFor({ replicas, title }: { readonly replicas: number; readonly title: string }, current: number): string {
  return replicas > current ? `${title} above target` : "All metrics below target";
}

const gotScale: WantedCondition = {
  type: "AbleToScale",
  status: "True",
  reason: "SucceededGetScale",
  message: "the HPA controller was able to get the target's current scale",
};

const scalingDisabled: WantedCondition = {
  type: "ScalingActive",
  status: "False",
  reason: "ScalingDisabled",
  message: "scaling is disabled since the replica count of the target is zero",
};

function scalingActive(title: string): WantedCondition {
  const message = `the HPA was able to successfully calculate a replica count from ${title}`;
  return { type: "ScalingActive", status: "True", reason: "ValidMetricFound", message };
}
