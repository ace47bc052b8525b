/* The store's contract: etcd's shape, so that etcd can stand behind it one day. Values live in memory, deeply frozen;
 * reads and watches never touch the disk, which is a journal behind a port (journal.ts). The only write is `commit`.
 *
 * (1) Revisions grow by one with each commit that writes; all writes of one commit share its revision.
 * (2) `commit` resolves only after the journal has the writes for good; a killed process loses nothing that it acknowledged.
 * (3) Whoever reads after a commit resolved sees it; nobody ever sees half a commit.
 * (4) A watch gives every change after its revision exactly once, in order, or fails with "too-old". */

/** JSON data; frozen once it is in the store. */
export type Value = unknown;

export interface Entry {
  readonly key: string;
  readonly value: Value;
  /** The revision that made the key. */
  readonly createRevision: number;
  /** The revision that wrote it last. */
  readonly modRevision: number;
}

/** What must hold for a commit to happen. */
export type Check =
  | { readonly key: string; readonly is: "absent" }
  | { readonly key: string; readonly is: "present" }
  | { readonly key: string; readonly modRevision: number };

export type Write =
  | { readonly type: "put"; readonly key: string; readonly value: Value }
  | { readonly type: "delete"; readonly key: string };

export interface Commit {
  readonly checks: readonly Check[];
  /** At most one write for a key. Deleting what is absent is no write. */
  readonly writes: readonly Write[];
}

export type StoreChange =
  | { readonly type: "put"; readonly entry: Entry; readonly previous: Entry | undefined }
  | { readonly type: "delete"; readonly key: string; readonly previous: Entry; readonly revision: number };

export function keyOfChange(change: StoreChange): string {
  return change.type === "put" ? change.entry.key : change.key;
}

/** All changes of one or more whole revisions, up to and including `revision`. */
export interface WatchBatch {
  readonly revision: number;
  readonly changes: readonly StoreChange[];
}

export interface Snapshot {
  readonly revision: number;
  /** In the order of their keys. */
  readonly entries: readonly Entry[];
}

export interface WatchOptions {
  /** Changes after this revision. */
  readonly since: number;
  readonly signal: AbortSignal;
}

export interface Store extends AsyncDisposable {
  /** Of the newest commit; 0 for a new store. */
  readonly revision: number;
  get(key: string): Entry | undefined;
  /** Every entry whose key starts with `prefix`, consistent with the answer's revision. */
  list(prefix: string): Snapshot;
  /** What was committed after `since`, the oldest first; undefined where some of it is forgotten already. */
  changesAfter(since: number): readonly StoreChange[] | undefined;
  /** Answers the commit's revision, or the present one where it wrote nothing. A check that fails: "conflict", naming the key. */
  commit(commit: Commit): Promise<number>;
  /**
   * Every change of a key that starts with `prefix`. "too-old" where `since` was compacted away; "exhausted" where the reader
   * fell too far behind, and then it lists again. Ends when the signal aborts.
   */
  watch(prefix: string, options: WatchOptions): AsyncIterable<WatchBatch>;
  /** Forgets changes up to `revision`, which no watch can start from any more. Present values stay. */
  compact(revision: number): Promise<void>;
}
