/* An autoscaler's status, in the real recommender's words. Pure. */

import type { Condition, VerticalPodAutoscaler, VerticalPodRecommendation } from "#proto/podwire/v1/resources.ts";
import { setCondition } from "../../state/conditions.ts";

export interface StatusFacts {
  /** Undefined where nothing is known yet: the recommendation of before stays. */
  readonly recommendation: VerticalPodRecommendation | undefined;
  /** Whether its target has pods. */
  readonly podsMatched: boolean;
  readonly now: string;
}

export function withStatus(autoscaler: VerticalPodAutoscaler, facts: StatusFacts): VerticalPodAutoscaler {
  const { recommendation, podsMatched, now } = facts;
  const next = recommendation ?? autoscaler.status?.recommendation;
  const isProvided = (next?.containerRecommendations.length ?? 0) > 0;
  const why = podsMatched ? {} : { reason: "NoPodsMatched", message: "No pods match this VPA object" };
  const provided = { type: "RecommendationProvided", status: isProvided ? "True" : "False", ...(isProvided ? {} : why) } as const;
  const conditions = setCondition(autoscaler.status?.conditions ?? [], provided, now);
  return { ...autoscaler, status: { recommendation: next, conditions: withMatch(conditions, why, facts) } };
}

/** The condition is there only while it is true. */
function withMatch(conditions: readonly Condition[], why: object, { podsMatched, now }: StatusFacts): Condition[] {
  if (podsMatched) return conditions.filter(({ type }) => type !== "NoPodsMatched");
  return [...setCondition(conditions, { type: "NoPodsMatched", status: "True", ...why }, now)];
}
