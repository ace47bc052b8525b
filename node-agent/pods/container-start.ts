/* The start of a container's run: once for each run, whichever agent sees to it, and again and again where it can't be had yet. */

import { isAppError } from "#core/errors.ts";
import { unkeptLimits } from "#kernel/cgroups.ts";
import type { ContainerSpec } from "#kernel/containers.ts";
import { startErrorCode } from "./container-end.ts";
import type { RunnerOptions } from "./container-runner.ts";
import { isBuiltIn } from "./images.ts";
import type { Phase } from "./pod-status.ts";
import { noNotes, writeNotes } from "./run-notes.ts";
import { startFailureOf } from "./start-failure.ts";
import { prepareTerminationLog } from "./termination-message.ts";

const stillbornMs = 2_000;
/** How long a failed pull is called one. */
const pullFailedMs = 1_000;

/** True once run `run` was started; false where the container was asked to end before that. */
export async function startPatiently(options: RunnerOptions, run: number, observe: (now: Phase) => void): Promise<boolean> {
  const { container, folder, containers, clock, emit, log, signal, termination } = options;
  const stateDir = folder.stateDir(run);
  let told = "";
  for (let tries = 1; ; tries++) {
    const changed = options.configChanged();
    try {
      return await startOnce(options, run, observe);
    } catch (error) {
      signal.throwIfAborted();
      if (!isAppError(error))
        log.warn({ err: error, container: container.name }, "a container could not be started; trying again");
      const failure = startFailureOf(error, container, tries);
      // A kubelet repeats itself less often than a machine without memory fails.
      const news = failure.waiting.message !== told || failure.retryMs > pullFailedMs;
      told = failure.waiting.message;
      if (news) for (const { reason, message } of failure.events) emit("Warning", reason, message);
      observe({ phase: "waiting", ...failure.waiting });
      const enough = AbortSignal.any([signal, termination.asked, changed]);
      if (failure.meanwhile !== undefined) {
        await clock.sleep(pullFailedMs, enough).catch(() => {});
        if (!enough.aborted) {
          for (const { reason, message } of failure.meanwhile.events)
            emit(reason === "BackOff" ? "Normal" : "Warning", reason, message);
          observe({ phase: "waiting", ...failure.meanwhile.waiting });
        }
      }
      await clock.sleep(failure.retryMs, enough).catch(() => {});
      signal.throwIfAborted();
      if (termination.asked.aborted && containers.read(stateDir).state === "absent") return false;
    }
  }
}

async function startOnce(options: RunnerOptions, run: number, observe: (now: Phase) => void): Promise<boolean> {
  const { container, containers, folder, emit, signal, termination, preparing } = options;
  const { name = "", image = "" } = container;
  const stateDir = folder.stateDir(run);
  if (containers.read(stateDir).state === "starting" && !(await comesUp(options, stateDir))) {
    // Should it be slow and not dead, it must not run beside the one that takes its place.
    containers.kill(stateDir);
    folder.discard(run);
  }
  if (containers.read(stateDir).state !== "absent") return true;
  if (termination.asked.aborted) return false;
  observe({ phase: "waiting", reason: preparing });
  const spec: Omit<ContainerSpec, "stateDir" | "logPath"> = options.spec(stateDir);
  emit("Normal", "Pulled", imageNote(image));
  // The bound on processes is our own idea: nobody asked for it.
  const unkept = unkeptLimits(spec.limits ?? {}).filter((controller) => controller !== "pids");
  if (unkept.length > 0)
    emit("Warning", "LimitsNotKept", `No cgroup can be made here that would keep the limits of: ${unkept.join(", ")}`);
  folder.discard(run);
  folder.prepare(run);
  prepareTerminationLog(stateDir);
  writeNotes(stateDir, { ...noNotes, image });
  emit("Normal", "Created", `Created container: ${name}`);
  await containers.start({ stateDir, logPath: folder.logPath(run), ...spec }, { signal, givenUp: termination.due });
  const state = containers.read(stateDir);
  if (state.state === "exited" && state.code === undefined)
    emit("Warning", "Failed", `Error: ${folder.tail(run) || `exit code ${startErrorCode}`}`);
  else emit("Normal", "Started", `Started container ${name}`);
  return true;
}

/** An agent that was killed in the middle of a start may have left a container that is about to run, or one that never will. */
async function comesUp({ containers, clock, signal, termination }: RunnerOptions, stateDir: string): Promise<boolean> {
  const deadlineMs = clock.monotonicMs() + stillbornMs;
  while (containers.read(stateDir).state === "starting") {
    if (clock.monotonicMs() > deadlineMs || termination.due.aborted) return false;
    await clock.sleep(20, signal);
  }
  return true;
}

function imageNote(image: string): string {
  if (isBuiltIn(image)) return `Container image "${image}" already present on machine`;
  return `Container image "${image}" was not pulled: the command runs with the programs of this machine`;
}
