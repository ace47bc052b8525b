/* The order of a pod's containers: init containers one after the other, each to its end; sidecars in the same order, each until it has
 * started; then all others at once. At the end the sidecars go last, in the reverse of their order. */

import type { Clock } from "#core/clock.ts";
import type { ContainerRole } from "./container-role.ts";
import { createTermination, eitherOf, type Termination } from "./termination.ts";

/** A container on its way. */
export interface RunningContainer {
  /** Resolves when it has started once: its startup probe, where it has one, said yes. */
  readonly started: Promise<void>;
  /** Resolves with the exit code when it has ended for good. */
  readonly ended: Promise<number>;
}

export interface Ordered {
  readonly role: ContainerRole;
  /** An earlier agent has started it. */
  readonly begun: boolean;
  run(end: { readonly termination: Termination; readonly turn: Promise<void> }): RunningContainer;
}

export interface OrderOptions {
  readonly containers: readonly Ordered[];
  /** The end of the whole pod. */
  readonly termination: Termination;
  /** The pod has run to its end already: what is left of its sidecars is only to be ended. */
  readonly over: boolean;
  readonly graceMs: () => number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Resolves when every container has ended for good. */
export async function runInOrder({ containers, termination, over, graceMs, clock, signal }: OrderOptions): Promise<void> {
  const completion = createTermination(clock, signal);
  const atOnce = Promise.resolve();
  const sidecarEnd = eitherOf(termination, completion);
  const sidecars: Promise<number>[] = [];
  const turns: (() => void)[] = [];
  if (over) completion.end(graceMs());

  const initialize = async (): Promise<boolean> => {
    for (const [i, container] of containers.entries()) {
      if (container.role === "main") continue;
      if (container.role === "init") {
        const code = await container.run({ termination, turn: atOnce }).ended;
        if (code !== 0) return false;
        continue;
      }
      const { promise: turn, resolve } = Promise.withResolvers<void>();
      turns.push(resolve);
      const { started, ended } = container.run({ termination: sidecarEnd, turn });
      sidecars.push(ended);
      ended.catch(() => {});
      // Those after it run already, whatever it does meanwhile.
      if (!containers.slice(i + 1).some(({ begun }) => begun)) await Promise.race([started, ended]);
    }
    return true;
  };

  if (await initialize()) {
    const mains = containers.filter(({ role }) => role === "main");
    await Promise.all(mains.map((container) => container.run({ termination, turn: atOnce }).ended));
  }
  completion.end(graceMs());
  for (const [i, ended] of [...sidecars.entries()].reverse()) {
    turns[i]?.();
    await ended;
  }
}
