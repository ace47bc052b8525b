/* The smallest of many values at hand, at the price of a logarithm for each change: a binary heap. */

export interface Heap<T> {
  readonly size: number;
  /** The first in order; undefined where there is none. */
  readonly first: T | undefined;
  /** Takes the first away. */
  pop(): T | undefined;
  /** Puts `value` where the first was, and in order. */
  replaceFirst(value: T): void;
}

/** `isBefore` is a strict order. The values become the heap's. */
export function createHeap<T>(values: T[], isBefore: (a: T, b: T) => boolean): Heap<T> {
  const sink = (from: number) => {
    let at = from;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < values.length && isBefore(values[child] as T, values[least] as T)) least = child;
      }
      if (least === at) return;
      swap(at, least);
      at = least;
    }
  };
  const swap = (a: number, b: number) => {
    [values[a], values[b]] = [values[b] as T, values[a] as T];
  };
  for (let at = (values.length >>> 1) - 1; at >= 0; at--) sink(at);

  return {
    get size() {
      return values.length;
    },
    get first() {
      return values[0];
    },
    pop() {
      const first = values[0];
      const last = values.pop();
      if (values.length > 0) {
        values[0] = last as T;
        sink(0);
      }
      return first;
    },
    replaceFirst(value) {
      values[0] = value;
      sink(0);
    },
  };
}
