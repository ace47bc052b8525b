/* The journal in one SQLite file, which one process holds at a time. WAL with synchronous=FULL: a transaction is one write and one
 * fsync. The exclusive lock goes with its process, however that ends, so a killed control plane leaves none behind. */

import { closeSync, fsyncSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AppError, messageOf } from "#core/errors.ts";
import type { Journal, JournalRow } from "./journal.ts";
import { frozenJson } from "./json-value.ts";
import { openError, writeError } from "./sqlite-errors.ts";

export interface SqliteJournalOptions {
  /** A file in a directory that exists; it is made with mode 0600 where there is none. */
  readonly path: string;
  /** Commits past this size of the file are refused with "exhausted". 1 GiB where it is absent. */
  readonly bytesMax?: number;
}

/** "Podw": tells our files from other programs'. */
const applicationId = 0x506f6477;
const schemaVersion = 1;
const schema = `
  CREATE TABLE changes (
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    position INTEGER NOT NULL,       -- among the writes of its commit
    create_revision INTEGER,         -- NULL in a deletion
    value TEXT,                      -- JSON; NULL in a deletion
    PRIMARY KEY (revision, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE compacted (revision INTEGER NOT NULL) STRICT;
  INSERT INTO compacted VALUES (0);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/** "failed-precondition", with what to do, where the file is another's, damaged, in use, or of a newer version. */
export function openSqliteJournal({ path, bytesMax = 2 ** 30 }: SqliteJournalOptions): Journal {
  createFile(path);
  using opening = new DisposableStack();
  try {
    const database = opening.adopt(new DatabaseSync(path, { timeout: 0 }), (opened) => opened.close());
    prepareDatabase(database, { path, bytesMax });
    const journal = journalOf(database, path);
    opening.move();
    return journal;
  } catch (error) {
    throw openError(error, path);
  }
}

/**
 * Only where there is none: to open and close a file that this process has open in SQLite would drop SQLite's locks on it
 * (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
function createFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (hasCode(error, "EEXIST")) return;
    const advice = hasCode(error, "ENOENT") ? `the directory ${dirname(path)} does not exist: create it` : messageOf(error);
    throw new AppError("failed-precondition", `cannot create ${path}: ${advice}`, { cause: error });
  }
  const directory = openSync(dirname(path), "r");
  fsyncSync(directory);
  closeSync(directory);
}

function prepareDatabase(database: DatabaseSync, { path, bytesMax }: Required<SqliteJournalOptions>): void {
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  const version = pragma(database, "user_version");
  // Not "has no pages": a process that was killed between WAL mode and the schema leaves one.
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!isEmpty && pragma(database, "application_id") !== applicationId) {
    throw new AppError("failed-precondition", `${path} is another program's database: choose another file`);
  }
  if (version > schemaVersion) {
    throw new AppError(
      "failed-precondition",
      `${path} was written by a newer Podwire (format ${version}, this one knows ${schemaVersion}): run that one, or choose another file`,
    );
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec(`PRAGMA max_page_count = ${Math.floor(bytesMax / pragma(database, "page_size"))}`);
  // The lock that nobody else gets, even where nothing is to be made.
  database.exec(`BEGIN EXCLUSIVE; ${isEmpty ? schema : ""} COMMIT`);
}

function journalOf(database: DatabaseSync, path: string): Journal {
  const insert = database.prepare("INSERT INTO changes (revision, key, position, create_revision, value) VALUES (?, ?, ?, ?, ?)");
  const remove = database.prepare("DELETE FROM changes WHERE revision = ? AND key = ?");
  const setCompacted = database.prepare("UPDATE compacted SET revision = ?");
  const readCompacted = database.prepare("SELECT revision FROM compacted");
  const readAll = database.prepare("SELECT revision, key, create_revision, value FROM changes ORDER BY revision, position");

  const transaction = (body: () => void) => {
    try {
      database.exec("BEGIN");
      body();
      database.exec("COMMIT");
    } catch (error) {
      throw writeError(rolledBack(database, error), path);
    }
  };

  return {
    load() {
      const compacted = Number(readCompacted.get()?.revision ?? 0);
      return { compacted, rows: readRows(readAll.iterate(), path) };
    },
    append(commits) {
      transaction(() => {
        for (const { revision, rows } of commits) {
          for (const [position, row] of rows.entries()) {
            if (row.type === "delete") insert.run(revision, row.key, position, null, null);
            else insert.run(revision, row.entry.key, position, row.entry.createRevision, JSON.stringify(row.entry.value));
          }
        }
      });
    },
    compact({ upTo, rows }) {
      transaction(() => {
        setCompacted.run(upTo);
        for (const { revision, key } of rows) remove.run(revision, key);
      });
    },
    [Symbol.dispose]() {
      database.close();
    },
  };
}

function* readRows(rows: Iterable<Record<string, unknown>>, path: string): Generator<JournalRow> {
  const iterator = rows[Symbol.iterator]();
  for (;;) {
    let next: IteratorResult<Record<string, unknown>>;
    try {
      next = iterator.next();
    } catch (error) {
      throw openError(error, path);
    }
    if (next.done) return;
    yield readRow(next.value, path);
  }
}

function readRow(row: Record<string, unknown>, path: string): JournalRow {
  const key = String(row.key);
  const revision = Number(row.revision);
  if (row.value === null) return { type: "delete", key, revision };
  try {
    const value = frozenJson(JSON.parse(String(row.value)), key);
    const entry = { key, value, createRevision: Number(row.create_revision), modRevision: revision };
    return { type: "put", entry: Object.freeze(entry) };
  } catch (error) {
    const message = `${path} is damaged: the value of "${key}" at revision ${revision} is not JSON (${messageOf(error)}). Restore the file from a copy, or move it away to start with an empty store`;
    throw new AppError("failed-precondition", message, { cause: error });
  }
}

/** Ends the transaction that `error` left open; where that fails too, its error is the one that counts. */
function rolledBack(database: DatabaseSync, error: unknown): unknown {
  try {
    if (database.isTransaction) database.exec("ROLLBACK");
    return error;
  } catch (second) {
    return second;
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
