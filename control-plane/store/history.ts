/* The changes that a watch may resume from: one batch for each revision, without a gap, from `compacted` + 1 to `revision`. */

import { AppError, assert, invalid } from "#core/errors.ts";
import type { RowId } from "./journal.ts";
import type { StoreChange, WatchBatch } from "./store.ts";

export interface History {
  /** Of the newest commit. */
  readonly revision: number;
  /** Changes up to this revision are forgotten. */
  readonly compacted: number;
  readonly changeCount: number;
  push(batch: WatchBatch): void;
  /** All batches after `since`. "too-old" where some of them are forgotten, or where `since` is yet to come. */
  after(since: number): readonly WatchBatch[];
  /** Forgets batches up to `revision`; answers the journal's rows that nobody needs any more. */
  cut(revision: number): RowId[];
  /** The smallest revision to `cut` at so that at most `count` changes stay. */
  revisionThatKeeps(count: number): number;
}

export function createHistory(start: number): History {
  let compacted = start;
  let changeCount = 0;
  let batches: WatchBatch[] = [];
  const newest = () => compacted + batches.length;

  return {
    get revision() {
      return newest();
    },
    get compacted() {
      return compacted;
    },
    get changeCount() {
      return changeCount;
    },
    push(batch) {
      assert(batch.revision === newest() + 1, `revision ${batch.revision} after ${newest()}`);
      batches.push(batch);
      changeCount += batch.changes.length;
    },
    after(since) {
      if (!Number.isSafeInteger(since) || since < 0) throw invalid(`${since} is not a revision (want 0 or a positive integer)`);
      if (since < compacted) {
        throw new AppError("too-old", `the changes after revision ${since} are forgotten up to ${compacted}: list again`, {
          reason: "Expired",
        });
      }
      if (since > newest()) {
        const message = `revision ${since} is not in this store's past, which ends at ${newest()}: list again`;
        throw new AppError("too-old", message, { reason: "Expired" });
      }
      return batches.slice(since - compacted);
    },
    cut(revision) {
      if (revision <= compacted) return [];
      assert(revision <= newest(), `cut at ${revision}, newest is ${newest()}`);
      const gone = batches.slice(0, revision - compacted).flatMap((batch) => batch.changes);
      batches = batches.slice(revision - compacted);
      compacted = revision;
      changeCount -= gone.length;
      return gone.flatMap(rowsWithout);
    },
    revisionThatKeeps(count) {
      let left = changeCount;
      let index = 0;
      while (left > count && index < batches.length) left -= batches[index++]?.changes.length ?? 0;
      return compacted + index;
    },
  };
}

/** The rows that only this change's place in the history kept: what it replaced, and its own where it is a deletion. */
export function rowsWithout(change: StoreChange): RowId[] {
  const rows: RowId[] = [];
  if (change.previous !== undefined) rows.push({ key: change.previous.key, revision: change.previous.modRevision });
  if (change.type === "delete") rows.push({ key: change.key, revision: change.revision });
  return rows;
}
