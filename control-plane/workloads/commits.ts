import { isAppError } from "#core/errors.ts";
import type { Commit, Store } from "../store/store.ts";

/**
 * Commits side by side, each by itself. After a conflict it throws one when all the others are done: whoever called must plan anew.
 * Another error is thrown before that.
 */
export async function commitSeparately(store: Store, commits: readonly Commit[]): Promise<void> {
  const outcomes = await Promise.allSettled(commits.map((commit) => store.commit(commit)));
  const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (reasons.length > 0) throw reasons.find((reason) => !isAppError(reason, "conflict")) ?? reasons[0];
}
