/* Chance as an argument: the same seed gives the same numbers, so a run can be replayed. */

export interface Rng {
  /** At least 0, less than 1. */
  next(): number;
}

/** Mulberry32: 32 bits of state, good enough for jitter and test data, not for secrets. */
export function createRng(seed: number): Rng {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}
