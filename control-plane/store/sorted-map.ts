/* A map that also knows the order of its keys (by UTF-16 code units, as `<` has it), so that a prefix is found by bisection and
 * not by looking at every key. The keys stand in chunks: an insertion moves at most one chunk's worth of them.
 *
 * The lists that were asked for lately are kept, and brought up to date when they are asked for again: twenty controllers list the same ten
 * thousand pods after each change of one. A list that was given is never changed. */

const chunkKeysMax = 512;
const listsMax = 64;
/** Where more of a list's keys changed than this share of it and a few, it is made anew. */
const patchedShareMax = 1 / 8;
const patchedMin = 16;

interface KnownList<V> {
  readonly keys: string[];
  /** Replaced, never changed. */
  values: readonly V[];
  /** Since `values` was made. */
  readonly changed: Set<string>;
}

export interface SortedMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** The values of all keys that start with `prefix`, in the order of their keys; the same list for as long as nothing in it changes. */
  withPrefix(prefix: string): readonly V[];
}

export function createSortedMap<V>(): SortedMap<V> {
  const values = new Map<string, V>();
  /** None is empty, except the only one. */
  const chunks: string[][] = [[]];

  const insert = (key: string) => {
    const at = chunkFor(chunks, key);
    const chunk = chunks[at] ?? [];
    chunk.splice(firstAtLeast(chunk, key), 0, key);
    if (chunk.length > chunkKeysMax) chunks.splice(at + 1, 0, chunk.splice(chunk.length >>> 1));
  };
  const remove = (key: string) => {
    const at = chunkFor(chunks, key);
    const chunk = chunks[at] ?? [];
    chunk.splice(firstAtLeast(chunk, key), 1);
    if (chunk.length === 0 && chunks.length > 1) chunks.splice(at, 1);
  };

  /** By prefix; those used last come last. */
  const lists = new Map<string, KnownList<V>>();
  const note = (key: string) => {
    for (const [prefix, { keys, changed }] of lists) {
      if (!key.startsWith(prefix)) continue;
      changed.add(key);
      if (changed.size > keys.length * patchedShareMax + patchedMin) lists.delete(prefix);
    }
  };

  return {
    get size() {
      return values.size;
    },
    get: (key) => values.get(key),
    set(key, value) {
      if (!values.has(key)) insert(key);
      values.set(key, value);
      note(key);
    },
    delete(key) {
      if (!values.delete(key)) return;
      remove(key);
      note(key);
    },
    withPrefix(prefix) {
      const list = lists.get(prefix) ?? listOf(chunks, prefix, values);
      bringUpToDate(list, values);
      lists.delete(prefix);
      lists.set(prefix, list);
      if (lists.size > listsMax) lists.delete(lists.keys().next().value as string);
      return list.values;
    },
  };
}

function listOf<V>(chunks: readonly (readonly string[])[], prefix: string, values: ReadonlyMap<string, V>): KnownList<V> {
  const keys: string[] = [];
  const start = chunkFor(chunks, prefix);
  scan: for (let at = start; at < chunks.length; at++) {
    const chunk = chunks[at] ?? [];
    for (let index = at === start ? firstAtLeast(chunk, prefix) : 0; index < chunk.length; index++) {
      const key = chunk[index] as string;
      if (!key.startsWith(prefix)) break scan;
      keys.push(key);
    }
  }
  return { keys, values: keys.map((key) => values.get(key) as V), changed: new Set() };
}

function bringUpToDate<V>(list: KnownList<V>, values: ReadonlyMap<string, V>): void {
  const { keys, changed } = list;
  if (changed.size === 0) return;
  const next = list.values.slice();
  for (const key of changed) {
    const at = firstAtLeast(keys, key);
    const removed = keys[at] === key ? 1 : 0;
    if (values.has(key)) {
      const value = values.get(key) as V;
      if (removed === 1) next[at] = value;
      else {
        keys.splice(at, 0, key);
        next.splice(at, 0, value);
      }
    } else if (removed === 1) {
      keys.splice(at, 1);
      next.splice(at, 1);
    }
  }
  list.values = next;
  changed.clear();
}

/** The chunk that holds `key`, or would: the last one that begins at or before it. */
function chunkFor(chunks: readonly (readonly string[])[], key: string): number {
  let low = 0;
  let high = chunks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((chunks[middle]?.[0] ?? "") <= key) low = middle;
    else high = middle - 1;
  }
  return low;
}

function firstAtLeast(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
