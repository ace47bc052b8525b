/* One run of a container, from the moment it runs to its end: its hooks and probes beside it, and whoever ends it. */

import { aborted } from "#core/aborted.ts";
import { execInContainer } from "./container-exec.ts";
import { type Condemned, watchHealth } from "./container-health.ts";
import type { RunnerOptions } from "./container-runner.ts";
import { stopContainer } from "./container-stop.ts";
import type { Phase } from "./pod-status.ts";
import type { ProbeTarget } from "./probe-actions.ts";
import type { RestartPolicy } from "./restart.ts";
import { readNotes, writeNotes } from "./run-notes.ts";
import { createTermination, eitherOf } from "./termination.ts";

export interface FollowedRun {
  readonly run: number;
  readonly startedAtMs: number;
  /** Its image is another by now. */
  readonly redefined: AbortSignal;
}

/** Resolves at the run's end; with why it was killed, where a hook or a probe had that done. */
export async function followRun(
  options: RunnerOptions,
  { run, startedAtMs, redefined }: FollowedRun,
  observe: (now: Phase) => void,
): Promise<Condemned | undefined> {
  const { container, restartPolicy, folder, containers, clock, emit, signal } = options;
  const { name = "" } = container;
  const stateDir = folder.stateDir(run);
  const known = readNotes(stateDir);
  const over = new AbortController();
  const within = AbortSignal.any([signal, over.signal]);
  const own = createTermination(clock, within);
  const termination = eitherOf(options.termination, own);
  const target: ProbeTarget = {
    host: options.host(),
    ports: container.ports,
    exec: (argv, timeIsUp) => execInContainer(containers, stateDir, { argv }, timeIsUp),
  };
  let condemned: Condemned | undefined;

  const condemn = (verdict: Condemned) => {
    condemned ??= verdict;
    const again = runsAgain(verdict, restartPolicy) ? ", will be restarted" : "";
    emit("Normal", "Killing", `${verdict.message}${again}`);
    own.end(verdict.graceMs ?? options.graceMs());
  };
  const watch = async () => {
    const verdict = await watchHealth({
      ...{ container, target, startedAtMs, emit, clock },
      known,
      onNotes(notes) {
        if (hasNotes(options)) writeNotes(stateDir, { ...known, ...notes });
        observe({ phase: "running", startedAtMs, started: notes.started, ready: notes.ready });
      },
      ending: termination.asked,
      over: within,
    });
    if (verdict !== undefined) condemn(verdict);
  };
  const watchDefinition = async () => {
    await aborted(AbortSignal.any([redefined, termination.asked, within]));
    if (termination.asked.aborted || within.aborted) return;
    condemn({ message: `Container ${name} definition changed`, cause: "definition", graceMs: undefined });
  };
  const stop = async () => {
    await aborted(AbortSignal.any([termination.asked, within]));
    if (within.aborted) return;
    if (condemned === undefined) emit("Normal", "Killing", `Stopping container ${name}`);
    await stopContainer({
      ...{ containers, stateDir, target, clock },
      preStop: container.lifecycle?.preStop,
      due: termination.due,
      forced: termination.forced,
      turn: condemned === undefined ? options.turn : Promise.resolve(),
      over: within,
      onHookFailed: (failure) => emit("Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`),
    });
  };

  const exited = containers.exited(stateDir, signal);
  const beside = Promise.all([watch(), watchDefinition(), stop()]);
  try {
    await Promise.race([exited, beside.then(() => exited)]);
  } finally {
    over.abort();
    await beside.catch(() => {});
  }
  return condemned;
}

/** Whatever its exit code says; undefined where that decides. */
export function runsAgain(condemned: Condemned | undefined, policy: RestartPolicy): boolean | undefined {
  switch (condemned?.cause) {
    case "definition":
      return true;
    case "probe":
      return policy !== "Never";
    default:
      return undefined;
  }
}

/** Without hooks and probes there is nothing that the next agent can't see by itself. */
function hasNotes({ container }: RunnerOptions): boolean {
  const { lifecycle, startupProbe, readinessProbe } = container;
  return lifecycle?.postStart !== undefined || startupProbe !== undefined || readinessProbe !== undefined;
}
