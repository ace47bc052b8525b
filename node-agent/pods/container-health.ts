/* What goes on beside a running container: its postStart hook, then its startup probe, then the other two.
 *
 *   hook ─ done ─▶ starting ─ startup probe says yes ─▶ started, ready as the readiness probe says
 *     └─ failed ─────┴─ says no ─────────────────────────┴─ liveness probe says no ─▶ to be killed
 */

import type { Clock } from "#core/clock.ts";
import type { Container, Probe } from "#proto/podwire/v1/resources.ts";
import { runHook } from "./hooks.ts";
import type { EmitEvent } from "./pod-events.ts";
import { askContainer, type ProbeTarget } from "./probe-actions.ts";
import { type ProbeKind, timesOf, type Verdict } from "./probe-count.ts";
import { probe } from "./probe-loop.ts";
import type { RunNotes } from "./run-notes.ts";

/** Why a container is to be killed; `graceMs` where the probe has a time of its own. */
export interface Condemned {
  readonly message: string;
  readonly cause: "hook" | "probe" | "definition";
  readonly graceMs: number | undefined;
}

export interface HealthOptions {
  readonly container: Container;
  readonly target: ProbeTarget;
  /** In wall-clock time. */
  readonly startedAtMs: number;
  /** What an earlier agent had found out about this run. */
  readonly known: RunNotes;
  /** From the end of the postStart hook on. */
  readonly onNotes: (notes: RunNotes) => void;
  readonly emit: EmitEvent;
  readonly clock: Clock;
  /** It is to end: nobody kills it for its health any more. */
  readonly ending: AbortSignal;
  /** Its run is over, or the agent is. */
  readonly over: AbortSignal;
}

/** Resolves with the reason to kill the container, or with nothing when `ending` or `over` came first. */
export async function watchHealth(options: HealthOptions): Promise<Condemned | undefined> {
  const { container, target, known, onNotes, emit, clock, over } = options;
  const { lifecycle, startupProbe, readinessProbe, livenessProbe } = container;
  const signal = AbortSignal.any([options.ending, over]);
  if (lifecycle?.postStart !== undefined && !known.hookDone) {
    const failure = await runHook({ handler: lifecycle.postStart, target, clock, signal });
    if (signal.aborted) return undefined;
    if (failure !== undefined) {
      emit("Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`);
      return { message: "FailedPostStartHook", cause: "hook", graceMs: undefined };
    }
  }

  if (startupProbe !== undefined && !known.started) {
    onNotes({ hookDone: true, started: false, ready: false });
    const verdict = await verdictOf(options, "startup", startupProbe, signal);
    if (verdict === undefined) return undefined;
    if (verdict === "failure") return condemned(container, "startup", startupProbe);
  }

  onNotes({ hookDone: true, started: true, ready: readinessProbe === undefined || known.ready });
  const killed = new AbortController();
  const readiness = readinessProbe && watchReadiness(options, readinessProbe, AbortSignal.any([over, killed.signal]));
  // Nobody may be waiting for it; with the run it ends.
  readiness?.catch(() => {});
  if (livenessProbe === undefined) return readiness?.then(() => undefined);
  const verdict = await verdictOf(options, "liveness", livenessProbe, signal);
  if (verdict !== "failure") return undefined;
  killed.abort();
  onNotes({ hookDone: true, started: true, ready: false });
  return condemned(container, "liveness", livenessProbe);
}

function condemned({ name }: Container, kind: ProbeKind, { terminationGracePeriodSeconds: seconds }: Probe): Condemned {
  const graceMs = seconds === undefined ? undefined : seconds * 1000;
  return { message: `Container ${name} failed ${kind} probe`, cause: "probe", graceMs };
}

async function watchReadiness(options: HealthOptions, spec: Probe, signal: AbortSignal): Promise<void> {
  await probe({
    ...probeOptions(options, "readiness", spec, signal),
    ...(options.known.ready ? { known: "success" } : {}),
    onVerdict: (verdict) => options.onNotes({ hookDone: true, started: true, ready: verdict === "success" }),
  });
}

/** The last verdict of a probe that ends with its verdict; undefined where the signal ended it. */
async function verdictOf(
  options: HealthOptions,
  kind: ProbeKind,
  spec: Probe,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  let last: Verdict | undefined;
  await probe({
    ...probeOptions(options, kind, spec, signal),
    onVerdict(verdict) {
      last = verdict;
    },
  });
  return signal.aborted ? undefined : last;
}

const probeNames: Readonly<Record<ProbeKind, string>> = { startup: "Startup", readiness: "Readiness", liveness: "Liveness" };

function probeOptions({ target, startedAtMs, clock, emit }: HealthOptions, kind: ProbeKind, spec: Probe, signal: AbortSignal) {
  return {
    kind,
    times: timesOf(spec),
    containerStartedAtMs: startedAtMs,
    clock,
    ask: (timeoutMs: number, within: AbortSignal) => askContainer(spec, target, { timeoutMs, signal: within }),
    onFailure: (output: string) => emit("Warning", "Unhealthy", `${probeNames[kind]} probe failed: ${output}`),
    signal,
  } as const;
}
