/* How a running container is ended: preStop, its turn, TERM, and KILL when its time is over. */

import { aborted } from "#core/aborted.ts";
import type { Clock } from "#core/clock.ts";
import type { Containers } from "#kernel/containers.ts";
import type { LifecycleHandler } from "#proto/podwire/v1/resources.ts";
import { runHook } from "./hooks.ts";
import type { ProbeTarget } from "./probe-actions.ts";

export interface StopOptions {
  readonly containers: Containers;
  readonly stateDir: string;
  readonly preStop: LifecycleHandler | undefined;
  readonly target: ProbeTarget;
  readonly clock: Clock;
  /** The grace period is over. */
  readonly due: AbortSignal;
  /** There is no grace. */
  readonly forced: AbortSignal;
  /** Resolves when those that must end before this one have ended. */
  readonly turn: Promise<void>;
  /** The run is over, or the agent is. */
  readonly over: AbortSignal;
  readonly onHookFailed: (message: string) => void;
}

/** What a container gets that is asked only after its time: the hook's overrun is not its fault. */
const lastMs = 2_000;

/** Returns when KILL was sent or isn't needed any more. */
export async function stopContainer(options: StopOptions): Promise<void> {
  const { containers, stateDir, preStop, target, clock, due, forced, turn, over, onHookFailed } = options;
  const inGrace = AbortSignal.any([due, forced, over]);
  if (preStop !== undefined && !inGrace.aborted) {
    const failure = await runHook({ handler: preStop, target, clock, signal: inGrace });
    if (failure !== undefined) onHookFailed(failure);
  }
  await Promise.race([turn, aborted(inGrace)]);
  if (over.aborted) return;
  const late = due.aborted;
  containers.signal(stateDir, "SIGTERM");
  if (late) await clock.sleep(lastMs, AbortSignal.any([forced, over])).catch(() => {});
  else await aborted(inGrace);
  if (!over.aborted) containers.kill(stateDir);
}
