/* What a container's lifecycle says to do after its start and before its end. Kubernetes promises each hook at least once. */

import type { Clock } from "#core/clock.ts";
import { messageOf } from "#core/errors.ts";
import type { LifecycleHandler } from "#proto/podwire/v1/resources.ts";
import { getUrl, type ProbeTarget, urlOf } from "./probe-actions.ts";

export interface HookOptions {
  readonly handler: LifecycleHandler;
  readonly target: ProbeTarget;
  readonly clock: Clock;
  /** The hook's time is over, or its container's. */
  readonly signal: AbortSignal;
}

/** Why the hook failed, or undefined. A hook that was cut short did not fail. */
export async function runHook({ handler, target, clock, signal }: HookOptions): Promise<string | undefined> {
  try {
    if (handler.exec !== undefined) {
      const { code, output } = await target.exec(handler.exec.command, signal);
      if (code === 0 || signal.aborted) return undefined;
      return `command "${handler.exec.command.join(" ")}" exited with ${code}: ${output}`;
    }
    if (handler.httpGet !== undefined) {
      // As a kubelet has it, any answer will do.
      await getUrl(urlOf(handler.httpGet, target), handler.httpGet, signal);
      return undefined;
    }
    if (handler.sleep !== undefined) {
      await clock.sleep(1_000 * (handler.sleep.seconds ?? 0), signal);
      return undefined;
    }
    return "the hook names nothing to do: give it exec, httpGet or sleep";
  } catch (error) {
    return signal.aborted ? undefined : messageOf(error);
  }
}
