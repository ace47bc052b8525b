/* Records by name. A name below which there are others exists too, without records of its own (RFC 8020): each name counts those
 * right below it, so that adding and removing touch only what lies between. */

import type { Answer } from "dns-packet";

export interface NameIndex {
  add(record: Answer): void;
  /** The very object that was added. */
  remove(record: Answer): void;
  /** Makes a name exist for good. */
  keep(name: string): void;
  /** Undefined where there is no such name; empty where only names below it have records. Good until the next change. */
  get(name: string): readonly Answer[] | undefined;
  readonly size: number;
}

interface Entry {
  readonly records: Answer[];
  below: number;
}

export function createNameIndex(): NameIndex {
  const entries = new Map<string, Entry>();

  const entryOf = (name: string): Entry => {
    let entry = entries.get(name);
    if (entry === undefined) {
      entry = { records: [], below: 0 };
      entries.set(name, entry);
      const parent = parentOf(name);
      if (parent !== undefined) entryOf(parent).below += 1;
    }
    return entry;
  };

  const dropIfEmpty = (name: string): void => {
    const entry = entries.get(name);
    if (entry === undefined || entry.records.length > 0 || entry.below > 0) return;
    entries.delete(name);
    const parent = parentOf(name);
    if (parent === undefined) return;
    entryOf(parent).below -= 1;
    dropIfEmpty(parent);
  };

  return {
    add(record) {
      entryOf(record.name).records.push(record);
    },
    remove(record) {
      const entry = entries.get(record.name);
      if (entry === undefined) return;
      const at = entry.records.indexOf(record);
      if (at >= 0) entry.records.splice(at, 1);
      dropIfEmpty(record.name);
    },
    keep(name) {
      entryOf(name).below += 1;
    },
    get: (name) => entries.get(name)?.records,
    get size() {
      return entries.size;
    },
  };
}

function parentOf(name: string): string | undefined {
  const dot = name.indexOf(".");
  return dot < 0 ? undefined : name.slice(dot + 1);
}
