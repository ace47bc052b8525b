/* The store over any journal.
 *
 *   open ─ journal broke ─▶ failed (refuses all)      A commit waits in `pending` until its group's turn. The turn, `flush`, is
 *   open ─ disposed ──────▶ closed (refuses all)      one synchronous step: decide, write the journal, change memory, tell.
 *
 * (1) Memory changes only after the journal has the group, so nobody reads what is not durable and nothing is ever undone.
 * (2) Verdicts are given after the journal's, too: a conflict with a commit of the same group that then failed is no conflict.
 * (3) At most one `flush` is scheduled, and one compaction runs. */

import type { Clock } from "#core/clock.ts";
import { AppError, invalid, isAppError, messageOf } from "#core/errors.ts";
import { changesOf, failedCheck, readCommit } from "./evaluate.ts";
import { type Journal, type JournalRow, noJournal, type RowId } from "./journal.ts";
import { replay } from "./replay.ts";
import type { Commit, Entry, Store, StoreChange, WatchBatch } from "./store.ts";
import { createWatchers } from "./watchers.ts";

export interface StoreOptions {
  readonly journal: Journal;
  /** Commits that come within `windowMs` share one write of the journal; the first after a pause of that length does not wait. */
  readonly grouping?: { readonly clock: Clock; readonly windowMs: number };
  /** How many changes stay for watches to resume from; older ones are forgotten by and by. 10,000 where it is absent. */
  readonly historyChanges?: number;
}

const defaultHistoryChanges = 10_000;
/** Further commits are refused with "exhausted". */
const pendingCommitsMax = 10_000;
/** More go into the next group, so that the event loop gets a turn. */
const groupWritesMax = 1_000;
/** Rows that one slice of a compaction deletes; 108,000 at once blocked for 668 ms. */
const sliceRowsMax = 500;

interface Pending {
  readonly commit: Commit;
  readonly resolve: (revision: number) => void;
  readonly reject: (error: Error) => void;
}

export function openMemoryStore(options: Omit<StoreOptions, "journal" | "grouping"> = {}): Store {
  return openStore({ ...options, journal: noJournal });
}

/** Loads what the journal holds, and owns the journal from then on, even where loading throws. */
export function openStore({ journal, grouping, historyChanges = defaultHistoryChanges }: StoreOptions): Store {
  using loading = new DisposableStack();
  loading.use(journal);
  const { entries, history, garbage } = replay(journal.load());
  loading.move();

  const watchers = createWatchers(history);
  let refusal: AppError | undefined;
  const pending: Pending[] = [];
  let flushScheduled = false;
  let flushedAtMs = Number.NEGATIVE_INFINITY;
  const leftover: RowId[] = [...garbage];
  let sweeping: Promise<void> | undefined;
  const closing = new AbortController();

  const refuseUnlessOpen = () => {
    if (refusal !== undefined) throw refusal;
  };

  const stop = (error: AppError) => {
    refusal = error;
    watchers.fail(error);
    for (const { reject } of pending.splice(0)) reject(error);
  };

  /** Runs a call of the journal; what breaks it stops the store. */
  const withJournal = (call: () => void): AppError | undefined => {
    try {
      call();
      return undefined;
    } catch (error) {
      if (isAppError(error) && error.kind !== "internal") return error;
      const message = `the store stopped, since its journal failed: ${messageOf(error)}. Whether the last commits were kept shows after a restart`;
      const failure = new AppError("internal", message, { cause: error });
      stop(failure);
      return failure;
    }
  };

  const schedule = () => {
    if (flushScheduled || pending.length === 0) return;
    flushScheduled = true;
    if (grouping === undefined) return queueMicrotask(flush);
    const waitMs = flushedAtMs + grouping.windowMs - grouping.clock.monotonicMs();
    if (waitMs <= 0) setImmediate(flush);
    else grouping.clock.sleep(waitMs, closing.signal).then(flush, () => {});
  };

  const flush = () => {
    flushScheduled = false;
    if (pending.length === 0) return;
    const group = takeGroup(pending);
    const { batches, verdicts } = decide(group, { revision: history.revision, look: (key) => entries.get(key) });
    const failure =
      batches.length === 0
        ? undefined
        : withJournal(() => journal.append(batches.map(({ revision, changes }) => ({ revision, rows: changes.map(rowOf) }))));
    if (failure === undefined) {
      for (const batch of batches) {
        for (const change of batch.changes) {
          if (change.type === "put") entries.set(change.entry.key, change.entry);
          else entries.delete(change.key);
        }
        history.push(batch);
      }
      watchers.publish(batches);
    }
    for (const settle of verdicts) settle(failure);
    if (grouping !== undefined) flushedAtMs = grouping.clock.monotonicMs();
    if (failure === undefined && history.changeCount >= historyChanges * 1.05 + 1) {
      cut(history.revisionThatKeeps(historyChanges));
      // A full disk is told to those who commit; what is left is swept with the next cut.
      sweep().catch(() => {});
    }
    schedule();
  };

  const cut = (revision: number) => {
    for (const row of history.cut(revision)) leftover.push(row);
  };

  /** Deletes the rows that are left over, a slice at a time, and records how far the history is forgotten. */
  const sweep = (): Promise<void> => {
    sweeping ??= sweepSlices().finally(() => {
      sweeping = undefined;
    });
    return sweeping;
  };
  const sweepSlices = async () => {
    do {
      const rows = leftover.slice(0, sliceRowsMax);
      const failure = withJournal(() => journal.compact({ upTo: history.compacted, rows }));
      if (failure !== undefined) throw failure;
      leftover.splice(0, rows.length);
      await new Promise((resolve) => setImmediate(resolve));
    } while (leftover.length > 0 && refusal === undefined);
  };
  if (leftover.length > 0) sweep().catch(() => {});

  return {
    get revision() {
      return history.revision;
    },
    get(key) {
      refuseUnlessOpen();
      return entries.get(key);
    },
    list(prefix) {
      refuseUnlessOpen();
      return { revision: history.revision, entries: entries.withPrefix(prefix) };
    },
    commit: (commit) =>
      new Promise((resolve, reject) => {
        refuseUnlessOpen();
        if (pending.length >= pendingCommitsMax) {
          throw new AppError("exhausted", `${pendingCommitsMax} commits wait for the journal already: try again later`);
        }
        pending.push({ commit: readCommit(commit), resolve, reject });
        schedule();
      }),
    changesAfter(since) {
      if (since < history.compacted || since > history.revision) return undefined;
      return history.after(since).flatMap(({ changes }) => changes);
    },
    watch: watchers.watch,
    async compact(revision) {
      refuseUnlessOpen();
      if (!Number.isSafeInteger(revision) || revision < 0 || revision > history.revision) {
        throw invalid(`cannot forget changes up to ${revision}: the newest revision is ${history.revision}`);
      }
      if (revision <= history.compacted) return;
      cut(revision);
      // One that runs already may have recorded an older revision last.
      await sweeping?.catch(() => {});
      await sweep();
    },
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort();
      while (pending.length > 0) flush();
      if (refusal === undefined) stop(new AppError("unavailable", "the store is closed"));
      await sweeping?.catch(() => {});
      journal[Symbol.dispose]();
    },
  };
}

/** As many as one write of the journal should carry, and at least one. */
function takeGroup(pending: Pending[]): Pending[] {
  let writeCount = 0;
  const after = pending.findIndex(({ commit }, index) => {
    writeCount += commit.writes.length;
    return index > 0 && writeCount > groupWritesMax;
  });
  return pending.splice(0, after < 0 ? pending.length : after);
}

interface Before {
  readonly revision: number;
  readonly look: (key: string) => Entry | undefined;
}

/** What each commit of a group does, each on top of those before it. A verdict is called with the journal's failure, if any. */
function decide(group: readonly Pending[], before: Before) {
  const staged = new Map<string, Entry | undefined>();
  const look = (key: string) => (staged.has(key) ? staged.get(key) : before.look(key));
  const batches: WatchBatch[] = [];
  let revision = before.revision;
  const verdicts = group.map(({ commit, resolve, reject }) => {
    const conflict = failedCheck(commit.checks, look);
    const changes = conflict === undefined ? changesOf(commit.writes, revision + 1, look) : [];
    if (changes.length > 0) {
      revision += 1;
      batches.push(Object.freeze({ revision, changes }));
      for (const change of changes) {
        if (change.type === "put") staged.set(change.entry.key, change.entry);
        else staged.set(change.key, undefined);
      }
    }
    const answer = revision;
    return (failure: AppError | undefined) => {
      const error = failure ?? conflict;
      if (error === undefined) resolve(answer);
      else reject(error);
    };
  });
  return { batches, verdicts };
}

function rowOf(change: StoreChange): JournalRow {
  return change.type === "put"
    ? { type: "put", entry: change.entry }
    : { type: "delete", key: change.key, revision: change.revision };
}
