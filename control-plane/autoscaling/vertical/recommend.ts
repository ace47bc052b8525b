/* What an autoscaler recommends for each container: what its use says, at least a pod's least, within what the policy allows. Pure. */

import { own } from "#core/json.ts";
import { canonicalQuantity, formatQuantity, parseQuantity } from "#core/quantity.ts";
import type { ContainerRecommendation, VerticalPodAutoscaler, VerticalPodRecommendation } from "#proto/podwire/v1/resources.ts";
import { containerPolicyOf, controlledResourcesOf } from "./container-policy.ts";
import { type Amounts, estimate, type ResourceName } from "./estimate.ts";
import type { ContainerUsage } from "./usage.ts";

export interface RecommendationQuestion {
  readonly autoscaler: VerticalPodAutoscaler;
  /** By container. */
  readonly usage: ReadonlyMap<string, ContainerUsage>;
  readonly containersPerPod: number;
}

/** What a pod is never recommended less of, its containers together: millicores, and bytes. */
const podMin = { cpu: 25, memory: 250 * 1024 * 1024 } as const;
const billionthsOf = { cpu: 1_000_000n, memory: 1_000_000_000n } as const;

export function recommend({ autoscaler, usage, containersPerPod }: RecommendationQuestion): VerticalPodRecommendation {
  const names = [...usage.keys()].sort();
  return {
    containerRecommendations: names.flatMap((name) => {
      const known = usage.get(name);
      const isOff = containerPolicyOf(autoscaler, name)?.mode === "Off";
      return known === undefined || isOff ? [] : [recommendationFor(autoscaler, name, estimate(known), containersPerPod)];
    }),
  };
}

function recommendationFor(
  autoscaler: VerticalPodAutoscaler,
  containerName: string,
  estimated: Readonly<Record<ResourceName, Amounts>>,
  containersPerPod: number,
): ContainerRecommendation {
  const policy = containerPolicyOf(autoscaler, containerName);
  const quantities = (amount: keyof Amounts, allowed: (name: ResourceName, text: string) => string) =>
    Object.fromEntries(
      controlledResourcesOf(policy).map((name) => {
        const least = Math.trunc(podMin[name] / containersPerPod);
        const needed = BigInt(Math.max(estimated[name][amount], least));
        return [name, allowed(name, formatQuantity(needed * billionthsOf[name]))];
      }),
    );
  const capped = (name: ResourceName, text: string) =>
    atMost(atLeast(text, own(policy?.minAllowed ?? {}, name)), own(policy?.maxAllowed ?? {}, name));
  return {
    containerName,
    target: quantities("target", capped),
    lowerBound: quantities("lowerBound", capped),
    upperBound: quantities("upperBound", capped),
    uncappedTarget: quantities("target", (_, text) => text),
  };
}

function atLeast(text: string, bound: string | undefined): string {
  return isBound(bound) && parseQuantity(text) < parseQuantity(bound) ? canonicalQuantity(bound) : text;
}

/** The smaller of a quantity and a bound, where there is one. */
export function atMost(text: string, bound: string | undefined): string {
  return isBound(bound) && parseQuantity(text) > parseQuantity(bound) ? canonicalQuantity(bound) : text;
}

/** Nothing is no bound. */
function isBound(bound: string | undefined): bound is string {
  return bound !== undefined && parseQuantity(bound) !== 0n;
}
