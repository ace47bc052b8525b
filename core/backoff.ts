import type { Rng } from "./rng.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

/**
 * How long to wait before attempt `attempt` (0 is the first retry): doubling up to `maxMs`, half of it chance, so that
 * many who lost the same peer at the same moment do not return at the same moment.
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: BackoffOptions, rng: Rng): number {
  const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return ceilingMs / 2 + (rng.next() * ceilingMs) / 2;
}
