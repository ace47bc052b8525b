/* One container of a pod, run after run. It first looks at what is on disk: a container that an earlier agent started is taken over
 * as it is, with the exits that happened meanwhile. */

import { aborted } from "#core/aborted.ts";
import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import type { ContainerSpec, ContainerState, Containers } from "#kernel/containers.ts";
import type { ContainerFolder } from "./container-folders.ts";
import type { Program } from "./images.ts";
import type { Ended, ObservedContainer, Phase } from "./pod-status.ts";
import { backoffResetMs, type RestartPolicy, restartDelayMs, shouldRestart } from "./restart.ts";

export interface RunnerOptions {
  readonly name: string;
  readonly program: Program;
  readonly restartPolicy: RestartPolicy;
  readonly folder: ContainerFolder;
  readonly containers: Containers;
  readonly clock: Clock;
  /** What `containers.start` needs beside the folders. */
  readonly spec: (argv: readonly string[]) => Omit<ContainerSpec, "stateDir" | "logPath">;
  readonly onChange: (observed: ObservedContainer) => void;
  /** The agent stops: the container stays as it is. */
  readonly signal: AbortSignal;
  /** The pod ends: TERM at the first, KILL at the second. */
  readonly terminate: AbortSignal;
  readonly kill: AbortSignal;
}

const stillbornMs = 2_000;
/** As container runtimes report it. */
const startErrorCode = 128;

/** Resolves when the container has ended for good. */
export async function runContainer(options: RunnerOptions): Promise<void> {
  const { name, program, restartPolicy, folder, containers, clock, onChange, signal, terminate } = options;
  let run = folder.newest() ?? 0;
  let last: Ended | undefined;
  // How often in a row it ended early; after a restart of the agent the number of runs stands for it.
  let crashes = run;
  const observe = (now: Phase) => onChange({ name, now, restarts: run, last });

  if (!program.found) {
    observe({ phase: "waiting", reason: program.reason, message: program.message });
    await aborted(AbortSignal.any([signal, terminate]));
    signal.throwIfAborted();
    return observe({ phase: "ended", final: true, exitCode: 137, reason: "ContainerStatusUnknown", ...untimed(clock) });
  }
  if (run > 0) last = endOf(containers.read(folder.stateDir(run - 1)), folder, run - 1, clock);

  for (;;) {
    if (terminate.aborted && containers.read(folder.stateDir(run)).state === "absent") {
      return observe({ phase: "ended", final: true, exitCode: 137, reason: "ContainerStatusUnknown", ...untimed(clock) });
    }
    await begin(options, run, program.argv, observe);
    const state = containers.read(folder.stateDir(run));
    if (state.state === "running") {
      observe({ phase: "running", startedAtMs: state.startedAtMs });
      await ended(options, run);
    }
    const end = endOf(containers.read(folder.stateDir(run)), folder, run, clock);
    if (terminate.aborted || !shouldRestart(restartPolicy, end.exitCode)) return observe({ phase: "ended", final: true, ...end });

    const ranMs = end.finishedAtMs - (end.startedAtMs ?? end.finishedAtMs);
    crashes = ranMs >= backoffResetMs ? 1 : crashes + 1;
    const delayMs = restartDelayMs(crashes);
    observe({ phase: "ended", final: false, ...end });
    last = end;
    if (delayMs > 0) {
      const message = `back-off ${delayMs / 1000}s restarting failed container=${name}`;
      observe({ phase: "waiting", reason: "CrashLoopBackOff", message });
      await pause(clock, delayMs, options);
      if (terminate.aborted) return observe({ phase: "ended", final: true, ...end });
    }
    run += 1;
  }
}

/** Whether the container will not run again, judged by what is on disk. */
export function isFinished(containers: Containers, folder: ContainerFolder, policy: RestartPolicy): boolean {
  const run = folder.newest();
  if (run === undefined) return false;
  const state = containers.read(folder.stateDir(run));
  return state.state === "exited" && !shouldRestart(policy, state.code ?? startErrorCode);
}

/** Starts run `run`, unless it was started before. */
async function begin(options: RunnerOptions, run: number, argv: readonly string[], observe: (now: Phase) => void): Promise<void> {
  const { containers, folder, signal, spec } = options;
  const stateDir = folder.stateDir(run);
  if (containers.read(stateDir).state === "starting" && !(await comesUp(options, stateDir))) {
    // Should it be slow and not dead, it must not run beside the one that takes its place.
    containers.kill(stateDir);
    folder.discard(run);
  }
  if (containers.read(stateDir).state !== "absent") return;
  observe({ phase: "waiting", reason: "ContainerCreating" });
  folder.discard(run);
  folder.prepare(run);
  await containers.start({ stateDir, logPath: folder.logPath(run), ...spec(argv) }, signal);
}

/** An agent that was killed in the middle of a start may have left a container that is about to run, or one that never will. */
async function comesUp({ containers, clock, signal }: RunnerOptions, stateDir: string): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + stillbornMs;
  while (containers.read(stateDir).state === "starting") {
    if (clock.monotonicMs() > deadlineMs) return false;
    await clock.sleep(20, signal);
  }
  return true;
}

/** Waits for the end of a running container; asks for it, then forces it, as the pod's termination says. */
async function ended({ containers, folder, signal, terminate, kill }: RunnerOptions, run: number): Promise<void> {
  const stateDir = folder.stateDir(run);
  const askToEnd = () => containers.signal(stateDir, "SIGTERM");
  const forceToEnd = () => containers.kill(stateDir);
  for (const [asked, act] of [
    [terminate, askToEnd],
    [kill, forceToEnd],
  ] as const) {
    if (asked.aborted) act();
    else asked.addEventListener("abort", act, { once: true });
  }
  try {
    await containers.exited(stateDir, signal);
  } finally {
    terminate.removeEventListener("abort", askToEnd);
    kill.removeEventListener("abort", forceToEnd);
  }
}

function endOf(state: ContainerState, folder: ContainerFolder, run: number, clock: Clock): Ended {
  if (state.state !== "exited") return { exitCode: 137, reason: "ContainerStatusUnknown", ...untimed(clock) };
  const { code, startedAtMs, finishedAtMs } = state;
  if (code === undefined) {
    return { exitCode: startErrorCode, reason: "StartError", message: folder.tail(run), startedAtMs, finishedAtMs };
  }
  return { exitCode: code, reason: code === 0 ? "Completed" : "Error", startedAtMs, finishedAtMs };
}

function untimed(clock: Clock): Pick<Ended, "startedAtMs" | "finishedAtMs"> {
  return { startedAtMs: undefined, finishedAtMs: clock.wallMs() };
}

async function pause(clock: Clock, ms: number, { signal, terminate }: RunnerOptions): Promise<void> {
  try {
    await clock.sleep(ms, AbortSignal.any([signal, terminate]));
  } catch (error) {
    signal.throwIfAborted();
    if (!terminate.aborted) throw new Error(messageOf(error), { cause: error });
  }
}
