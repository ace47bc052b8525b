import type { Condition } from "#proto/podwire/v1/resources.ts";

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** Of a pod or a node. */
export function isReady({ status }: { readonly status?: { readonly conditions: readonly Condition[] } | undefined }): boolean {
  return findCondition(status?.conditions ?? [], "Ready")?.status === "True";
}

export interface WantedCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
}

/**
 * The conditions with `wanted` among them; the same list where it says so already. `lastTransitionTime` moves only when the
 * status does.
 */
export function setCondition(conditions: readonly Condition[], wanted: WantedCondition, now: string): readonly Condition[] {
  const old = findCondition(conditions, wanted.type);
  if (old?.status === wanted.status && old.reason === wanted.reason && old.message === wanted.message) return conditions;
  const next: Condition = {
    ...wanted,
    lastTransitionTime: old?.status === wanted.status ? (old.lastTransitionTime ?? now) : now,
  };
  return old === undefined ? [...conditions, next] : conditions.map((condition) => (condition === old ? next : condition));
}

/** `next` with the times at which statuses changed: those of `before` where one is as it was, else `now`. */
export function withTransitions(next: readonly Condition[], before: readonly Condition[], now: string): Condition[] {
  return next.map((condition) => {
    const old = findCondition(before, condition.type ?? "");
    return { ...condition, lastTransitionTime: old?.status === condition.status ? (old?.lastTransitionTime ?? now) : now };
  });
}
