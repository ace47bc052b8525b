/* What a PodDisruptionBudget allows, as Kubernetes' disruption controller computes it
 * (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). Pure.
 *
 *                       pods that are expected                 of them healthy at least
 *   minAvailable 2      those that it selects                  2
 *   minAvailable 50%    as many as their controllers want      half of them, rounded up
 *   maxUnavailable 1    as many as their controllers want      all but 1; a share is rounded up */

import { type Clock, timestamp } from "#core/clock.ts";
import { scaledValue } from "#core/int-or-percent.ts";
import type { OwnerReference, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "#proto/podwire/v1/resources.ts";
import { isReady, setCondition } from "../state/conditions.ts";
import { metadataOf, nameOf } from "../state/objects.ts";
import { controllerOf } from "../workloads/owners.ts";

/** How many pods a controller is to have, under a name that is the same for all of its parts; or why that can't be known. */
export type Scale = { readonly controller: string; readonly replicas: number } | { readonly unknown: string };

export interface BudgetQuestion {
  readonly budget: PodDisruptionBudget;
  /** Those that it selects, in its namespace. */
  readonly pods: readonly Pod[];
  readonly scaleOf: (controller: OwnerReference) => Scale;
  readonly clock: Clock;
}

/** For so long a pod that was evicted may take to begin its end. */
const evictionSeconds = 120;

export function budgetStatus({ budget, pods, scaleOf, clock }: BudgetQuestion): PodDisruptionBudgetStatus {
  const disruptedPods = stillDisrupted(budget, pods, clock);
  const healthy = pods.filter(
    (pod) => metadataOf(pod).deletionTimestamp === undefined && !Object.hasOwn(disruptedPods, nameOf(pod)) && isReady(pod),
  );
  const wanted = wantedOf({ budget, pods, scaleOf });
  const { expected, desired } = "unknown" in wanted ? { expected: 0, desired: budget.status?.desiredHealthy ?? 0 } : wanted;
  const disruptionsAllowed = expected === 0 ? 0 : Math.max(0, healthy.length - desired);
  const condition =
    "unknown" in wanted
      ? ({ status: "False", reason: "SyncFailed", message: wanted.unknown } as const)
      : verdict(disruptionsAllowed);
  const conditions = setCondition(budget.status?.conditions ?? [], { type: "DisruptionAllowed", ...condition }, timestamp(clock));
  return {
    observedGeneration: budget.metadata?.generation,
    disruptedPods,
    disruptionsAllowed,
    currentHealthy: healthy.length,
    desiredHealthy: desired,
    expectedPods: expected,
    conditions: [...conditions],
  };
}

export function verdict(disruptionsAllowed: number) {
  return disruptionsAllowed > 0
    ? ({ status: "True", reason: "SufficientPods" } as const)
    : ({ status: "False", reason: "InsufficientPods" } as const);
}

type Wanted = { readonly expected: number; readonly desired: number } | { readonly unknown: string };

function wantedOf({ budget, pods, scaleOf }: Omit<BudgetQuestion, "clock">): Wanted {
  const { minAvailable, maxUnavailable } = budget.spec ?? {};
  if (maxUnavailable === undefined && typeof minAvailable === "number") return { expected: pods.length, desired: minAvailable };
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0 };
  const scales = pods.flatMap((pod) => controllerOf(pod) ?? []).map(scaleOf);
  const byController = new Map<string, number>();
  for (const scale of scales) {
    if ("unknown" in scale) return scale;
    byController.set(scale.controller, scale.replicas);
  }
  const expected = [...byController.values()].reduce((sum, replicas) => sum + replicas, 0);
  const desired =
    maxUnavailable === undefined
      ? scaledValue(minAvailable, expected, "up")
      : Math.max(0, expected - scaledValue(maxUnavailable, expected, "up"));
  return { expected, desired };
}

/** Without those that have begun their end, are gone, or should have long been. */
function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], clock: Clock): Record<string, string> {
  const standing = new Set(pods.filter((pod) => metadataOf(pod).deletionTimestamp === undefined).map(nameOf));
  const oldestMs = clock.wallMs() - clock.timerMs(evictionSeconds);
  const entries = Object.entries(status?.disruptedPods ?? {});
  return Object.fromEntries(entries.filter(([name, at]) => standing.has(name) && Date.parse(at) > oldestMs));
}
