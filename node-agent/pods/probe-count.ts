/* How a probe's answers become a verdict: Kubernetes' numbers and defaults, and the count of answers that agree in a row.
 * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/ Pure. */

import type { Probe } from "#proto/podwire/v1/resources.ts";

export type ProbeKind = "startup" | "readiness" | "liveness";
export type Verdict = "success" | "failure";

export interface ProbeTimes {
  /** From the container's start to the first question. */
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export interface ProbeCount {
  /** Stands until enough answers in a row say otherwise. */
  readonly verdict: Verdict | undefined;
  readonly last: Verdict | undefined;
  readonly inARow: number;
}

export function timesOf(probe: Probe): ProbeTimes {
  return {
    initialDelayMs: 1_000 * (probe.initialDelaySeconds || 0),
    periodMs: 1_000 * (probe.periodSeconds || 10),
    timeoutMs: 1_000 * (probe.timeoutSeconds || 1),
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

/** A container is alive until it is proved dead, and not ready until it is proved ready. */
export function initialCount(kind: ProbeKind): ProbeCount {
  const verdicts = { startup: undefined, readiness: "failure", liveness: "success" } as const;
  return { verdict: verdicts[kind], last: undefined, inARow: 0 };
}

export function countAnswer(before: ProbeCount, answer: Verdict, times: ProbeTimes): ProbeCount {
  const inARow = before.last === answer ? before.inARow + 1 : 1;
  const needed = answer === "success" ? times.successThreshold : times.failureThreshold;
  return { verdict: inARow >= needed ? answer : before.verdict, last: answer, inARow };
}

const firstEagerMs = 20;
const eagerGrowth = 1.5;

/**
 * How long until the next question, after `asked` of them. While a container isn't ready yet, Kubernetes may ask for its readiness
 * more often than each period: so it is asked soon at first, and ever more seldom until the period is reached.
 */
export function pauseMs(kind: ProbeKind, { verdict, last }: ProbeCount, times: ProbeTimes, asked: number): number {
  const eager = kind === "readiness" && verdict === "failure" && last === "failure";
  return eager ? Math.min(times.periodMs, Math.round(firstEagerMs * eagerGrowth ** Math.min(asked - 1, 20))) : times.periodMs;
}
