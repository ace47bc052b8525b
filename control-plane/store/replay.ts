/* From a journal's rows to the state in memory. A journal that contradicts itself is refused: running on without an object
 * would be taken for its deletion. */

import { AppError } from "#core/errors.ts";
import { createHistory, type History, rowsWithout } from "./history.ts";
import type { JournalContents, JournalRow, RowId } from "./journal.ts";
import { createSortedMap, type SortedMap } from "./sorted-map.ts";
import type { Entry, StoreChange } from "./store.ts";

export interface Replayed {
  readonly entries: SortedMap<Entry>;
  readonly history: History;
  /** Rows that a compaction would have deleted, had it not been interrupted. */
  readonly garbage: readonly RowId[];
}

export function replay({ compacted, rows }: JournalContents): Replayed {
  const entries = createSortedMap<Entry>();
  const history = createHistory(compacted);
  const garbage: RowId[] = [];
  let batch: { revision: number; changes: StoreChange[] } | undefined;
  const closeBatch = () => {
    if (batch === undefined) return;
    if (batch.revision !== history.revision + 1) {
      throw damaged(`the changes of revision ${history.revision + 1} are missing`);
    }
    history.push({ revision: batch.revision, changes: Object.freeze(batch.changes) });
    batch = undefined;
  };

  for (const row of rows) {
    const change = changeOf(row, entries);
    const revision = revisionOf(row);
    if (change === undefined) {
      if (row.type !== "delete" || revision > compacted) throw damaged(`what revision ${revision} deletes was not there`);
      // The compaction came as far as the value that this row deleted.
      garbage.push({ key: row.key, revision });
      continue;
    }
    if (revision <= compacted) {
      garbage.push(...rowsWithout(change));
    } else {
      if (batch?.revision !== revision) {
        closeBatch();
        batch = { revision, changes: [] };
      }
      batch.changes.push(change);
    }
    if (change.type === "put") entries.set(change.entry.key, change.entry);
    else entries.delete(change.key);
  }
  closeBatch();
  return { entries, history, garbage };
}

function changeOf(row: JournalRow, entries: SortedMap<Entry>): StoreChange | undefined {
  if (row.type === "put") {
    return Object.freeze({ type: "put", entry: row.entry, previous: entries.get(row.entry.key) });
  }
  const previous = entries.get(row.key);
  if (previous === undefined) return undefined;
  return Object.freeze({ type: "delete", key: row.key, previous, revision: row.revision });
}

function revisionOf(row: JournalRow): number {
  return row.type === "put" ? row.entry.modRevision : row.revision;
}

function damaged(what: string): AppError {
  return new AppError(
    "failed-precondition",
    `the store's journal is damaged: ${what}. Restore it from a copy, or start with a new one`,
  );
}
