/* The end of something that has a grace period: asked for once, forced when the time is over. A later, shorter time wins. */

import type { Clock } from "#core/clock.ts";

export interface Termination {
  readonly asked: AbortSignal;
  /** The grace period is over. */
  readonly due: AbortSignal;
  /** There is no grace: not even for what is in the middle of its end. */
  readonly forced: AbortSignal;
}

export interface TerminationControl extends Termination {
  end(graceMs: number): void;
}

/** `signal`: nobody waits any more. */
export function createTermination(clock: Clock, signal: AbortSignal): TerminationControl {
  const asked = new AbortController();
  const due = new AbortController();
  const forced = new AbortController();
  let dueAtMs = Number.POSITIVE_INFINITY;
  const expire = async (graceMs: number) => {
    const atMs = clock.monotonicMs() + graceMs;
    if (atMs >= dueAtMs) return;
    dueAtMs = atMs;
    if (graceMs > 0) await clock.sleep(graceMs, AbortSignal.any([signal, due.signal])).catch(() => {});
    if (signal.aborted) return;
    if (graceMs <= 0) forced.abort();
    due.abort();
  };
  return {
    asked: asked.signal,
    due: due.signal,
    forced: forced.signal,
    end(graceMs) {
      asked.abort();
      void expire(graceMs);
    },
  };
}

/** Ends when the first of both does. */
export function eitherOf(a: Termination, b: Termination): Termination {
  return {
    asked: AbortSignal.any([a.asked, b.asked]),
    due: AbortSignal.any([a.due, b.due]),
    forced: AbortSignal.any([a.forced, b.forced]),
  };
}
