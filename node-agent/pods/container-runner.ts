/* One container of a pod, run after run. It first looks at what is on disk: a container that an earlier agent started is taken over
 * as it is, with the exits that happened meanwhile. */

import type { Clock } from "#core/clock.ts";
import type { ContainerSpec, Containers } from "#kernel/containers.ts";
import type { Logger } from "#process/log.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";
import { endOf, lostEnd, startErrorCode } from "./container-end.ts";
import type { ContainerFolder } from "./container-folders.ts";
import { followRun, runsAgain } from "./container-run.ts";
import { startPatiently } from "./container-start.ts";
import type { EmitEvent } from "./pod-events.ts";
import type { Ended, ObservedContainer, Phase } from "./pod-status.ts";
import { backoffResetMs, type RestartPolicy, restartDelayMs, shouldRestart } from "./restart.ts";
import { readNotes } from "./run-notes.ts";
import type { Termination } from "./termination.ts";

export interface RunnerOptions {
  /** As it is now: its image may change from run to run. */
  readonly container: Container;
  /** Its pod, as messages name it. */
  readonly podName: string;
  readonly restartPolicy: RestartPolicy;
  readonly folder: ContainerFolder;
  readonly containers: Containers;
  readonly clock: Clock;
  readonly log: Logger;
  /** What `containers.start` needs beside the folders. Throws an AppError whose reason is why the container waits. */
  readonly spec: (stateDir: string) => Omit<ContainerSpec, "stateDir" | "logPath">;
  /** What it waits for before it runs: "ContainerCreating" or "PodInitializing". */
  readonly preparing: string;
  /** The host has booted since its last run: how often it failed is forgotten, as by a kubelet that starts. */
  readonly rebooted: boolean;
  /** Where probes and hooks find it. */
  readonly host: () => string;
  /** Aborts when a ConfigMap or a Secret has changed since the call. */
  readonly configChanged: () => AbortSignal;
  /** Aborts when the container's image is another than `image`, or than it was at the call. */
  readonly redefined: (image: string | undefined) => AbortSignal;
  readonly emit: EmitEvent;
  readonly onChange: (observed: Omit<ObservedContainer, "role">) => void;
  /** The agent stops: the container stays as it is. */
  readonly signal: AbortSignal;
  /** Its end, for good. */
  readonly termination: Termination;
  /** Of a container that is killed for its health. */
  readonly graceMs: () => number;
  /** Resolves when those that must end before this one have ended. */
  readonly turn: Promise<void>;
}

/** Resolves when the container has ended for good. */
export async function runContainer(options: RunnerOptions): Promise<Ended> {
  const { container, podName, restartPolicy, folder, containers, clock, emit, signal, termination } = options;
  const { name = "" } = container;
  const { asked } = termination;
  const endOfRun = (number: number) => endOf(containers.read(folder.stateDir(number)), container, folder, number, clock);
  let run = folder.newest() ?? 0;
  let last: Ended | undefined = run > 0 ? endOfRun(run - 1) : undefined;
  // How often in a row it ended early; after a restart of the agent the number of runs stands for it.
  let crashes = options.rebooted ? 0 : run;
  const observe = (now: Phase) => options.onChange({ name, now, restarts: run, last });
  const finish = (end: Ended): Ended => {
    observe({ phase: "ended", final: true, ...end });
    return end;
  };

  for (;;) {
    const redefined = options.redefined(readNotes(folder.stateDir(run)).image);
    if (!(await startPatiently(options, run, observe))) return finish(last ?? lostEnd(clock));
    const state = containers.read(folder.stateDir(run));
    const condemned = state.state === "running" ? await followRun(options, { ...state, run, redefined }, observe) : undefined;
    const end = endOfRun(run);
    const again = runsAgain(condemned, restartPolicy) ?? shouldRestart(restartPolicy, end.exitCode);
    if (asked.aborted || !again) return finish(end);

    const ranMs = end.finishedAtMs - (end.startedAtMs ?? end.finishedAtMs);
    crashes = ranMs >= backoffResetMs ? 1 : crashes + 1;
    const delayMs = restartDelayMs(crashes);
    observe({ phase: "ended", final: false, ...end });
    last = end;
    if (delayMs > 0) {
      emit("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${podName}`);
      const message = `back-off ${delayMs / 1000}s restarting failed container=${name} pod=${podName}`;
      observe({ phase: "waiting", reason: "CrashLoopBackOff", message });
      await clock.sleep(delayMs, AbortSignal.any([signal, asked])).catch(() => {});
      signal.throwIfAborted();
      if (asked.aborted) return finish(end);
    }
    run += 1;
  }
}

/** How the container ended where it will not run again, judged by what is on disk. */
export function finishedCode(containers: Containers, folder: ContainerFolder, policy: RestartPolicy): number | undefined {
  const run = folder.newest();
  if (run === undefined) return undefined;
  const state = containers.read(folder.stateDir(run));
  if (state.state !== "exited") return undefined;
  const code = state.code ?? startErrorCode;
  return shouldRestart(policy, code) ? undefined : code;
}
