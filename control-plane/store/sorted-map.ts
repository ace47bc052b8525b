/* A map that also knows the order of its keys (by UTF-16 code units, as `<` has it), so that a prefix is found by bisection and
 * not by looking at every key. The keys stand in chunks: an insertion moves at most one chunk's worth of them. */

const chunkKeysMax = 512;

export interface SortedMap<V> {
  readonly size: number;
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** The values of all keys that start with `prefix`, in the order of their keys. */
  withPrefix(prefix: string): V[];
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

  return {
    get size() {
      return values.size;
    },
    get: (key) => values.get(key),
    set(key, value) {
      if (!values.has(key)) insert(key);
      values.set(key, value);
    },
    delete(key) {
      if (values.delete(key)) remove(key);
    },
    withPrefix(prefix) {
      const found: V[] = [];
      const start = chunkFor(chunks, prefix);
      for (let at = start; at < chunks.length; at++) {
        const chunk = chunks[at] ?? [];
        for (let index = at === start ? firstAtLeast(chunk, prefix) : 0; index < chunk.length; index++) {
          const key = chunk[index] as string;
          if (!key.startsWith(prefix)) return found;
          found.push(values.get(key) as V);
        }
      }
      return found;
    },
  };
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
