/* What a container waits for that could not be started, in a kubelet's words, and for how long it waits before the next try. Pure. */

import { isAppError, messageOf } from "#core/errors.ts";
import type { Container } from "#proto/podwire/v1/resources.ts";
import { restartDelayMs } from "./restart.ts";

export interface StartFailure {
  readonly waiting: { readonly reason: string; readonly message: string };
  readonly events: readonly { readonly reason: string; readonly message: string }[];
  readonly retryMs: number;
  /** Where the status says another thing until the next try. */
  readonly meanwhile?: Omit<StartFailure, "retryMs">;
}

const retryMs = 1_000;
/** What a change of a ConfigMap or a Secret may mend. */
const configRetryMs = 10_000;

/** `tries` counts those that failed in a row, this one too. */
export function startFailureOf(error: unknown, { image = "" }: Container, tries: number): StartFailure {
  const message = messageOf(error);
  const reason = isAppError(error) ? error.reason : undefined;
  const failed = (text: string) => ({ reason: "Failed", message: text });
  switch (reason) {
    case "ErrImagePull":
      return {
        waiting: { reason, message },
        events: [failed(capitalised(message)), failed("Error: ErrImagePull")],
        retryMs: restartDelayMs(tries + 1),
        meanwhile: {
          waiting: { reason: "ImagePullBackOff", message: `Back-off pulling image "${image}": ${reason}: ${message}` },
          events: [{ reason: "BackOff", message: `Back-off pulling image "${image}"` }, failed("Error: ImagePullBackOff")],
        },
      };
    case "InvalidImageName":
      return {
        waiting: { reason, message },
        events: [{ reason: "InspectFailed", message }, failed("Error: InvalidImageName")],
        retryMs: configRetryMs,
      };
    case "FailedMount":
      return { waiting: { reason: "ContainerCreating", message }, events: [{ reason, message }], retryMs: configRetryMs };
    case "CreateContainerConfigError":
    case "CreateContainerError":
      return { waiting: { reason, message }, events: [failed(`Error: ${message}`)], retryMs: configRetryMs };
    default: {
      const cause = causeOf(error, message);
      return { waiting: { reason: reason ?? "RunContainerError", message: cause }, events: [failed(`Error: ${cause}`)], retryMs };
    }
  }
}

const causes: Readonly<Record<string, string>> = {
  EAGAIN: "too many processes or threads (see `ulimit -u` and the machine's pids limits)",
  EMFILE: "too many open files in the node agent (see `ulimit -n`)",
  ENFILE: "too many open files on this machine (see the sysctl fs.file-max)",
  ENOMEM: "not enough memory",
  ENOSPC: "no space left on the device, or no inotify watches",
};

/** The machine's limits by their names: an errno says nothing of where to turn. */
export function causeOf(error: unknown, message = messageOf(error)): string {
  const code = Object.keys(causes).find((name) => message.includes(name));
  return code === undefined ? message : `${causes[code]}: ${message}`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
