/* What is known of the use of one container of an autoscaler's pods, all pods together. Of the processor every sample counts; of the
 * memory only each pod's peak of a day, since memory that was needed once is needed again. Pure. */

import { cpuBuckets, memoryBuckets } from "./buckets.ts";
import { emptyHistogram, type Histogram, withoutSample, withSample } from "./histogram.ts";

export interface ContainerUsage {
  readonly cpu: Histogram;
  readonly memoryPeaks: Histogram;
  /** When the first and the last sample were taken, in days of the cluster. */
  readonly firstDays: number;
  readonly lastDays: number;
}

/** The most memory that one pod's container used in the interval of now. */
export interface MemoryPeak {
  readonly bytes: number;
  /** When the interval ends, which is also the time for which the peak counts. */
  readonly untilDays: number;
}

export interface UsageSample {
  readonly cores: number;
  /** What the container asks for. */
  readonly requestedCores: number;
  readonly bytes: number;
  readonly atDays: number;
}

export interface Learnt {
  readonly usage: ContainerUsage;
  readonly peak: MemoryPeak;
}

const intervalDays = 1;
const weightMin = 0.1;

/** What is known after a sample of a pod's container; `peak` is that pod's own, undefined before its first sample. */
export function withUsage(before: ContainerUsage | undefined, peak: MemoryPeak | undefined, sample: UsageSample): Learnt {
  const { cores, requestedCores, bytes, atDays } = sample;
  const { cpu = emptyHistogram(cpuBuckets), memoryPeaks = emptyHistogram(memoryBuckets), firstDays = atDays } = before ?? {};
  const memory = withPeak(memoryPeaks, peak, { bytes, atDays });
  // A sample weighs as much as the container asks for: where the request grows, what was before it soon counts for less.
  const weight = Math.max(requestedCores, weightMin);
  const usage = {
    cpu: withSample(cpu, { value: cores, weight, atDays }),
    memoryPeaks: memory.peaks,
    firstDays,
    lastDays: atDays,
  };
  return { usage, peak: memory.peak };
}

interface Peaks {
  readonly peaks: Histogram;
  readonly peak: MemoryPeak;
}

function withPeak(
  peaks: Histogram,
  peak: MemoryPeak | undefined,
  { bytes, atDays }: Pick<UsageSample, "bytes" | "atDays">,
): Peaks {
  if (peak !== undefined && atDays < peak.untilDays) {
    if (bytes <= peak.bytes) return { peaks, peak };
    const higher = { ...peak, bytes };
    return { peaks: withSample(withoutSample(peaks, counted(peak)), counted(higher)), peak: higher };
  }
  const startDays = peak?.untilDays ?? atDays;
  const untilDays = startDays + (Math.floor((atDays - startDays) / intervalDays) + 1) * intervalDays;
  const first = { bytes, untilDays };
  return { peaks: withSample(peaks, counted(first)), peak: first };
}

function counted({ bytes, untilDays }: MemoryPeak) {
  return { value: bytes, weight: 1, atDays: untilDays };
}
