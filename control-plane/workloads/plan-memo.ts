/* What each object was planned from the last time: where all of that is the same and no time has come, there is nothing to plan. It
 * holds no truth: without it everything is planned again. */

export interface PlanMemo {
  isNews(key: string, basis: readonly unknown[], nowMs: number): boolean;
  /** `dueMs` is when time alone makes news; undefined for never. */
  remember(key: string, basis: readonly unknown[], dueMs: number | undefined): void;
  /** Forgets all but these. */
  keepOnly(keys: readonly string[]): void;
  forget(): void;
  /** How long until time makes the next news. */
  waitMs(nowMs: number): number | undefined;
}

interface Planned {
  readonly basis: readonly unknown[];
  readonly dueMs: number;
}

export function createPlanMemo(): PlanMemo {
  const planned = new Map<string, Planned>();
  return {
    isNews(key, basis, nowMs) {
      const before = planned.get(key);
      return before === undefined || before.dueMs <= nowMs || !sameItems(before.basis, basis);
    },
    remember: (key, basis, dueMs) => void planned.set(key, { basis, dueMs: dueMs ?? Number.POSITIVE_INFINITY }),
    keepOnly(keys) {
      const kept = new Set(keys);
      for (const key of planned.keys()) if (!kept.has(key)) planned.delete(key);
    },
    forget: () => planned.clear(),
    waitMs(nowMs) {
      let dueMs = Number.POSITIVE_INFINITY;
      for (const plan of planned.values()) dueMs = Math.min(dueMs, plan.dueMs);
      return dueMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, dueMs - nowMs);
    },
  };
}

function sameItems(before: readonly unknown[], now: readonly unknown[]): boolean {
  return before.length === now.length && now.every((item, i) => item === before[i]);
}
