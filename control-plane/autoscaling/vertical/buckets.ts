/* The buckets of the vertical autoscaler's histograms: each is a twentieth wider than the one before it, so that small and large values
 * are told apart equally well (kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/util). Pure. */

export interface Buckets {
  readonly firstWidth: number;
  readonly count: number;
}

const ratio = 1.05;

/** From nothing to 1,000 cores; the first bucket is a hundredth of one. */
export const cpuBuckets = bucketsUpTo(1_000, 0.01);
/** From nothing to 1 TB; the first bucket is 10 MB. */
export const memoryBuckets = bucketsUpTo(1e12, 1e7);

function bucketsUpTo(max: number, firstWidth: number): Buckets {
  return { firstWidth, count: Math.ceil(position(max, firstWidth)) + 1 };
}

/** The last bucket holds all that is too large for the others. */
export function bucketOf({ firstWidth, count }: Buckets, value: number): number {
  if (value < firstWidth) return 0;
  return Math.min(Math.trunc(position(value, firstWidth)), count - 1);
}

/** Where a bucket ends; the last one, which has no end, stands for its start. */
export function endOf({ firstWidth, count }: Buckets, bucket: number): number {
  const next = Math.min(bucket + 1, count - 1);
  return (firstWidth * (ratio ** next - 1)) / (ratio - 1);
}

/** In buckets from the start of the first. */
function position(value: number, firstWidth: number): number {
  return Math.log((value * (ratio - 1)) / firstWidth + 1) / Math.log(ratio);
}
