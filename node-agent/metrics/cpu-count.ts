/* Processor time as a counter, and the rate between two readings of it, as metrics-server has it. Pure. */

export interface CpuCount {
  /** Monotonic. */
  readonly atMs: number;
  /** What was read: it may go back where processes ended that nobody waited for. */
  readonly readSeconds: number;
  /** Never goes back: such a window adds nothing. */
  readonly seconds: number;
}

export interface CpuReading {
  readonly atMs: number;
  readonly cpuSeconds: number;
}

export function countCpu(before: CpuCount | undefined, { atMs, cpuSeconds }: CpuReading): CpuCount {
  const seconds = before === undefined ? cpuSeconds : before.seconds + Math.max(0, cpuSeconds - before.readSeconds);
  return { atMs, readSeconds: cpuSeconds, seconds };
}

/** A hundredth of a second, as /proc counts, is two and a half per cent of it. Where time is compressed there is a reading every 500 ms. */
const windowMsMin = 400;

/** In billionths of a core, the mean since `before`; undefined where too little time has passed. */
export function nanoCores(before: CpuCount, now: CpuCount): number | undefined {
  const windowMs = now.atMs - before.atMs;
  return windowMs < windowMsMin ? undefined : Math.round(((now.seconds - before.seconds) * 1e12) / windowMs);
}
