/* How a container's run ended, read from what is left of it. */

import type { Clock } from "#core/clock.ts";
import type { ContainerState } from "#kernel/container-state.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";
import type { ContainerFolder } from "./container-folders.ts";
import type { Ended } from "./pod-status.ts";
import { terminationMessage } from "./termination-message.ts";

/** As container runtimes report it. */
export const startErrorCode = 128;

const lostMessage = "The container could not be located when the pod was terminated";

export function endOf(state: ContainerState, container: Container, folder: ContainerFolder, run: number, clock: Clock): Ended {
  if (state.state !== "exited") return lostEnd(clock);
  const { code, startedAtMs, finishedAtMs } = state;
  const times = { startedAtMs, finishedAtMs };
  if (code === undefined) return { exitCode: startErrorCode, reason: "StartError", message: folder.tail(run), ...times };
  const message = terminationMessage(container, folder, run, code);
  const reason = state.oomKilled === true ? "OOMKilled" : code === 0 ? "Completed" : "Error";
  return { exitCode: code, reason, ...(message === undefined ? {} : { message }), ...times };
}

/** Of a container that nobody saw end, or that never ran. */
export function lostEnd(clock: Clock): Ended {
  return {
    ...{ exitCode: 137, reason: "ContainerStatusUnknown", message: lostMessage },
    ...{ startedAtMs: undefined, finishedAtMs: clock.wallMs() },
  };
}
