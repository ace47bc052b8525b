/* The port behind which the disk is. The store in memory decides what is written and when; a journal only keeps it.
 *
 * A journal holds one row for each change. The newest row of each key is its present value; older ones, and the rows of
 * deletions, are the history that a watch resumes from. Nothing is copied, so forgetting history is deleting rows. */

import type { Entry } from "./store.ts";

export type JournalRow =
  | { readonly type: "put"; readonly entry: Entry }
  | { readonly type: "delete"; readonly key: string; readonly revision: number };

/** The rows of one commit. */
export interface JournalCommit {
  readonly revision: number;
  readonly rows: readonly JournalRow[];
}

/** Which row: no commit writes a key twice. */
export interface RowId {
  readonly key: string;
  readonly revision: number;
}

export interface JournalContents {
  /** No watch starts before this revision; rows up to it are there for the present values only. */
  readonly compacted: number;
  /** In the order in which they were written. */
  readonly rows: Iterable<JournalRow>;
}

/**
 * All calls are synchronous: between the evaluation of a commit's checks and its place on the disk nobody else gets a turn.
 *
 * What `append` and `compact` throw decides about the store: after an AppError that is not "internal" nothing of the call was
 * kept, and the next may work (a full disk). Anything else means that nobody knows what the disk holds; the store then refuses all.
 */
export interface Journal extends Disposable {
  /** Once, before anything else. Throws an AppError that names the key of a row that can't be read. */
  load(): JournalContents;
  /** All of `commits` or none; they are there for good when it returns. */
  append(commits: readonly JournalCommit[]): void;
  /** Deletes `rows` and remembers that changes up to `upTo` are forgotten: both or neither. A slice, so that it returns soon. */
  compact(slice: { readonly upTo: number; readonly rows: readonly RowId[] }): void;
}

/** Memory only. */
export const noJournal: Journal = {
  load: () => ({ compacted: 0, rows: [] }),
  append() {},
  compact() {},
  [Symbol.dispose]() {},
};
