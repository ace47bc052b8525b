import type { Clock } from "#core/clock.ts";
import { openStore, type StoreOptions } from "./open-store.ts";
import { openSqliteJournal, type SqliteJournalOptions } from "./sqlite-journal.ts";
import type { Store } from "./store.ts";

export interface SqliteStoreOptions extends SqliteJournalOptions, Omit<StoreOptions, "journal" | "grouping"> {
  readonly clock: Clock;
  /** How long a commit may wait for others to share its fsync; 2 ms where it is absent. */
  readonly windowMs?: number;
}

/** The store that survives its process. "failed-precondition" where the file can't be used; the message says what to do. */
export function openSqliteStore({ path, bytesMax, clock, windowMs = 2, historyChanges }: SqliteStoreOptions): Store {
  return openStore({ journal: openSqliteJournal({ path, bytesMax }), grouping: { clock, windowMs }, historyChanges });
}
