import { isAppError } from "#core/errors.ts";
import type { Commit, Store } from "../store/store.ts";
import type { PlanMemo } from "./plan-memo.ts";

export interface Step {
  readonly commit: Commit;
  /** Called once the commit is done. */
  readonly done?: () => void;
}

/**
 * Commits side by side, each by itself; what writes nothing is left out. After a conflict it throws one when all the others are
 * done: whoever called must plan anew. Another error is thrown before that.
 */
export async function carryOut(store: Store, steps: readonly Step[]): Promise<void> {
  const commits = steps.map(async ({ commit, done }) => {
    if (commit.writes.length === 0) return;
    await store.commit(commit);
    done?.();
  });
  const outcomes = await Promise.allSettled(commits);
  const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (reasons.length > 0) throw reasons.find((reason) => !isAppError(reason, "conflict")) ?? reasons[0];
}

/** As `carryOut`; where it throws, what was planned is not what is, and all is planned anew. */
export async function carryOutPlanned(store: Store, memo: PlanMemo, steps: readonly Step[]): Promise<void> {
  try {
    await carryOut(store, steps);
  } catch (error) {
    memo.forget();
    throw error;
  }
}
