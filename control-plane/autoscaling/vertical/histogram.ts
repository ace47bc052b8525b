/* A distribution that forgets: a sample counts half as much as one that came a day later. Old weights don't shrink, new ones grow instead,
 * until they would become too large: then all are made smaller by the same factor. Pure. */

import { type Buckets, bucketOf, endOf } from "./buckets.ts";

export interface Histogram {
  readonly buckets: Buckets;
  /** By bucket, those that are not empty. */
  readonly weights: ReadonlyMap<number, number>;
  /** A sample of this day has the weight that it came with. */
  readonly referenceDays: number;
}

export interface WeightedSample {
  readonly value: number;
  readonly weight: number;
  /** In days of the cluster, which are its timers' days. */
  readonly atDays: number;
}

const halfLifeDays = 1;
const exponentMax = 100;
/** A bucket with less is empty: a thousandth of the least weight of a sample. */
const weightMin = 0.0001;

export function emptyHistogram(buckets: Buckets): Histogram {
  return { buckets, weights: new Map(), referenceDays: 0 };
}

export function withSample(histogram: Histogram, sample: WeightedSample): Histogram {
  const { buckets, weights, referenceDays } = readyFor(histogram, sample.atDays);
  const bucket = bucketOf(buckets, sample.value);
  const weight = (weights.get(bucket) ?? 0) + grownWeight(sample, referenceDays);
  return { buckets, weights: new Map(weights).set(bucket, weight), referenceDays };
}

/** Without a sample that it was given before. */
export function withoutSample(histogram: Histogram, sample: WeightedSample): Histogram {
  const { buckets, weights, referenceDays } = readyFor(histogram, sample.atDays);
  const bucket = bucketOf(buckets, sample.value);
  const left = (weights.get(bucket) ?? 0) - grownWeight(sample, referenceDays);
  const next = new Map(weights);
  if (left < weightMin) next.delete(bucket);
  else next.set(bucket, left);
  return { buckets, weights: next, referenceDays };
}

/** The end of the bucket up to which that share of all weight lies; 0 where there is none. */
export function percentile({ buckets, weights }: Histogram, share: number): number {
  const sorted = [...weights].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
  let below = 0;
  for (const [bucket, weight] of sorted) {
    below += weight;
    if (below >= share * total) return endOf(buckets, bucket);
  }
  return 0;
}

function grownWeight({ weight, atDays }: WeightedSample, referenceDays: number): number {
  return weight * 2 ** ((atDays - referenceDays) / halfLifeDays);
}

function readyFor(histogram: Histogram, atDays: number): Histogram {
  const { buckets, weights, referenceDays } = histogram;
  if (atDays - referenceDays <= exponentMax * halfLifeDays) return histogram;
  const next = Math.round(atDays);
  const factor = 2 ** ((referenceDays - next) / halfLifeDays);
  const left = [...weights].map(([bucket, weight]) => [bucket, weight * factor] as const);
  return { buckets, weights: new Map(left.filter(([, weight]) => weight >= weightMin)), referenceDays: next };
}
