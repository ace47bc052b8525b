/* What a container needs by what is known of its use: the 90th percentile and a margin. The bounds are the 50th and the 95th, wide apart
 * while little is known, so that nobody is evicted for a guess. Pure.
 *
 * The real recommender takes as history the days since the first sample or, where that is less, the samples at one a minute. Here days
 * alone count: nodes measure in real time, which the cluster's time may outrun, so the number of samples tells nothing of days. */

import { percentile } from "./histogram.ts";
import type { ContainerUsage } from "./usage.ts";

export const resourceNames = ["cpu", "memory"] as const;
export type ResourceName = (typeof resourceNames)[number];

/** Whole millicores, or bytes. */
export interface Amounts {
  readonly lowerBound: number;
  readonly target: number;
  readonly upperBound: number;
}

const shares = { lowerBound: 0.5, target: 0.9, upperBound: 0.95 } as const;
const margin = 0.15;
/** What a bound without any history becomes. */
const amountMax = 1e14;

export function estimate({ cpu, memoryPeaks, firstDays, lastDays }: ContainerUsage): Readonly<Record<ResourceName, Amounts>> {
  const days = lastDays - firstDays;
  return {
    cpu: amountsOf((share) => whole(percentile(cpu, share) * 1_000), days),
    memory: amountsOf((share) => whole(percentile(memoryPeaks, share)), days),
  };
}

function amountsOf(atShare: (share: number) => number, days: number): Amounts {
  const needed = (share: number) => atShare(share) + whole(atShare(share) * margin);
  return {
    lowerBound: whole(needed(shares.lowerBound) * (1 + 0.001 / days) ** -2),
    target: needed(shares.target),
    upperBound: whole(needed(shares.upperBound) * (1 + 1 / days)),
  };
}

/** Rounded down, as the real one does at every step: hence its 11m, 23m, 35m, 49m. */
function whole(amount: number): number {
  return Math.trunc(Math.min(amount, amountMax));
}
