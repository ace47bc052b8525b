/* Asks one running container one kind of question until its run is over. */

import type { Clock } from "#core/clock.ts";
import {
  countAnswer,
  initialCount,
  type ProbeCount,
  type ProbeKind,
  type ProbeTimes,
  pauseMs,
  type Verdict,
} from "./probe-count.ts";

/** What a container said. `output` is for people. */
export interface Answer {
  readonly ok: boolean;
  readonly output: string;
}

export interface ProbeLoopOptions {
  readonly kind: ProbeKind;
  readonly times: ProbeTimes;
  /** In wall-clock time. */
  readonly containerStartedAtMs: number;
  /** What an earlier agent had found out already. */
  readonly known?: Verdict;
  readonly clock: Clock;
  /** Never rejects but when the signal aborts; ends within the probe's timeout. */
  readonly ask: (timeoutMs: number, signal: AbortSignal) => Promise<Answer>;
  /** Each "no" that isn't only an early question. */
  readonly onFailure: (output: string) => void;
  /** Each verdict that differs from the one before. */
  readonly onVerdict: (verdict: Verdict) => void;
  readonly signal: AbortSignal;
}

/** Until then a "no" to the question for readiness is no news: nobody is ready at once. */
const earlyMs = 1_000;

/** Returns when the signal aborts, and where the verdict needs no further question: started, or to be killed. */
export async function probe(options: ProbeLoopOptions): Promise<void> {
  const { kind, times, clock, ask, onFailure, onVerdict, signal } = options;
  let count: ProbeCount = { ...initialCount(kind), ...(options.known === undefined ? {} : { verdict: options.known }) };
  const firstMs = options.containerStartedAtMs + times.initialDelayMs - clock.wallMs();
  try {
    if (firstMs > 0) await clock.sleep(firstMs, signal);
    let nextReportMs = clock.monotonicMs() + (kind === "readiness" ? earlyMs : 0);
    for (let asked = 1; !signal.aborted; asked++) {
      const answer = await ask(times.timeoutMs, signal);
      if (signal.aborted) return;
      const next = countAnswer(count, answer.ok ? "success" : "failure", times);
      if (!answer.ok && clock.monotonicMs() >= nextReportMs) {
        onFailure(answer.output);
        nextReportMs = clock.monotonicMs() + times.periodMs;
      }
      if (next.verdict !== count.verdict && next.verdict !== undefined) onVerdict(next.verdict);
      count = next;
      if (kind === "startup" && count.verdict !== undefined) return;
      if (kind === "liveness" && count.verdict === "failure") return;
      await clock.sleep(pauseMs(kind, count, times, asked), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
