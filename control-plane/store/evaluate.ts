/* What a commit means against the values that are there: pure, so that a group of commits can be decided before any is kept. */

import { AppError, invalid, unreachable } from "#core/errors.ts";
import { frozenJson, refuseOddKey } from "./json-value.ts";
import type { Check, Commit, Entry, StoreChange, Write } from "./store.ts";

/** The caller's commit, checked and copied: what the caller changes afterwards has no effect. "invalid" where it isn't one. */
export function readCommit({ checks, writes }: Commit): Commit {
  for (const check of checks) refuseOddKey(check.key);
  const keys = new Set<string>();
  const read = writes.map((write): Write => {
    const { key } = write;
    refuseOddKey(key);
    if (keys.has(key)) throw invalid(`one commit writes "${key}" twice: keep the write that should win`);
    keys.add(key);
    return write.type === "put" ? { type: "put", key, value: frozenJson(write.value, `the value of "${key}"`) } : { ...write };
  });
  return { checks: checks.map((check) => ({ ...check })), writes: read };
}

/** The error of the first check that doesn't hold. */
export function failedCheck(checks: readonly Check[], look: (key: string) => Entry | undefined): AppError | undefined {
  for (const check of checks) {
    const problem = problemOf(check, look(check.key));
    if (problem !== undefined) return new AppError("conflict", `"${check.key}" ${problem}`, { reason: "Conflict" });
  }
  return undefined;
}

function problemOf(check: Check, entry: Entry | undefined): string | undefined {
  if ("is" in check) {
    switch (check.is) {
      case "absent":
        return entry === undefined ? undefined : "exists already";
      case "present":
        return entry === undefined ? "does not exist" : undefined;
      default:
        return unreachable(check);
    }
  }
  if (entry === undefined) return `does not exist; revision ${check.modRevision} of it was expected`;
  if (entry.modRevision === check.modRevision) return undefined;
  return `was written at revision ${entry.modRevision}, not ${check.modRevision}: read it again`;
}

/** What the writes change; fewer than the writes where a delete finds nothing. */
export function changesOf(
  writes: readonly Write[],
  revision: number,
  look: (key: string) => Entry | undefined,
): readonly StoreChange[] {
  const changes: StoreChange[] = [];
  for (const write of writes) {
    const previous = look(write.key);
    switch (write.type) {
      case "put":
        changes.push(putChange({ key: write.key, value: write.value, revision, previous }));
        break;
      case "delete":
        if (previous !== undefined) changes.push(Object.freeze({ type: "delete", key: write.key, previous, revision }));
        break;
      default:
        unreachable(write);
    }
  }
  return Object.freeze(changes);
}

interface Put {
  readonly key: string;
  readonly value: unknown;
  readonly revision: number;
  readonly previous: Entry | undefined;
}

function putChange({ key, value, revision, previous }: Put): StoreChange {
  const createRevision = previous?.createRevision ?? revision;
  const entry: Entry = Object.freeze({ key, value, createRevision, modRevision: revision });
  return Object.freeze({ type: "put", entry, previous });
}
