/* What can be asked of a host, by whether it is on. Pure. */

import { AppError } from "#core/errors.ts";

/** "starting" until it has booted, "stopping" from the first moment of its orderly end until it is off. */
export type HostPower = "starting" | "running" | "stopping" | "stopped";

const fitting = {
  start: ["stopped"],
  stop: ["running"],
  kill: ["running", "stopping"],
  remove: ["stopped"],
} as const satisfies Record<string, readonly HostPower[]>;

export type PowerOp = keyof typeof fitting;

/** Throws "failed-precondition" where the host must be in another state for that. */
export function refuseMoment(op: PowerOp, name: string, power: HostPower): void {
  if (fitting[op].some((one) => one === power)) return;
  throw new AppError("failed-precondition", `node "${name}" is ${power}${power === "starting" ? "" : hints[op]}`);
}

const hints: Readonly<Record<PowerOp, string>> = {
  start: ": only one that is stopped can be started",
  stop: ": only one that is running can be stopped",
  kill: " already",
  remove: ": stop it or kill it first",
};
