/* Which value of a range somebody gets who named none. As in KEP-3070 and KEP-3668, the beginning of the range is left to those who
 * name one: a value is taken there only when the rest is full. Pure.
 *
 * (1) The answer is free. (2) Undefined means that none is. */

import type { Rng } from "#core/rng.ts";

export interface Band {
  /** The first and the last value. */
  readonly min: number;
  readonly max: number;
  /** How many at the beginning are left to those who choose. */
  readonly staticCount: number;
}

const probesMax = 16;

export function chooseFromBand(
  { min, max, staticCount }: Band,
  isFree: (value: number) => boolean,
  rng: Rng,
): number | undefined {
  const dynamic = { min: Math.min(min + staticCount, max + 1), max };
  const size = dynamic.max - dynamic.min + 1;
  // A range that isn't nearly full has a free one soon, without a look at all of it.
  for (let probe = 0; size > 0 && probe < probesMax; probe++) {
    const value = dynamic.min + Math.floor(rng.next() * size);
    if (isFree(value)) return value;
  }
  return firstFree(dynamic, isFree) ?? firstFree({ min, max: dynamic.min - 1 }, isFree);
}

function firstFree(
  { min, max }: { readonly min: number; readonly max: number },
  isFree: (value: number) => boolean,
): number | undefined {
  for (let value = min; value <= max; value++) if (isFree(value)) return value;
  return undefined;
}
