/* Whether an ordinary user of this machine may have a sandbox: a user namespace in which that user is root, and a TUN device. Where not,
 * why, and the one command that lifts it. The kernel is asked by a try; its settings are read only to explain a refusal. */

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { AppError } from "#core/errors.ts";
import { RunError, run } from "./run.ts";

/** Of `unshare`; nothing for root, who needs no namespace for it. */
export function userNamespaceArguments(): string[] {
  return isRoot() ? [] : ["--user", "--map-root-user"];
}

/** "failed-precondition" with the cause and the cure. */
export async function refuseForbiddenSandbox(signal: AbortSignal): Promise<void> {
  if (isRoot()) return;
  const device = deviceRefusal(deviceState());
  if (device !== undefined) throw new AppError("failed-precondition", device);
  try {
    await run(["unshare", ...userNamespaceArguments(), "--mount", "--net", "--pid", "--fork", "--mount-proc", "true"], {
      signal,
    });
  } catch (error) {
    if (!(error instanceof RunError)) throw error;
    throw new AppError("failed-precondition", namespaceRefusal(readSetting, error.stderr.trim()), { cause: error });
  }
}

export type DeviceState = "missing" | "closed" | "open";

const device = "/dev/net/tun";

function deviceState(): DeviceState {
  if (!existsSync(device)) return "missing";
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return "open";
  } catch {
    return "closed";
  }
}

/** What to say of the TUN device; undefined where all is well. */
export function deviceRefusal(state: DeviceState): string | undefined {
  switch (state) {
    case "missing":
      return `${device} is missing: run \`sudo modprobe tun\` (a container gets it with --device ${device}), then try again`;
    case "closed":
      return `an ordinary user may not open ${device} here: run \`sudo chmod 666 ${device}\`, as most systems have it, or podwire as root`;
    case "open":
      return undefined;
  }
}

/** A path under /proc/sys; undefined where this kernel has no such setting. */
export type ReadSetting = (path: string) => string | undefined;

/** The settings by which systems forbid user namespaces, and what they should be. */
const locks: readonly { readonly path: string; readonly locked: string; readonly open: string; readonly who: string }[] = [
  { path: "kernel/apparmor_restrict_unprivileged_userns", locked: "1", open: "0", who: "AppArmor lets only root use" },
  { path: "kernel/unprivileged_userns_clone", locked: "0", open: "1", who: "this system lets only root make" },
  ...["user", "mnt", "net", "pid", "ipc", "uts"].map((kind) => {
    return { path: `user/max_${kind}_namespaces`, locked: "0", open: "15000", who: "this system has a limit of 0 for" };
  }),
];

/** What to say of a try that failed, with its own words where no setting explains it. */
export function namespaceRefusal(read: ReadSetting, said: string): string {
  const lock = locks.find(({ path, locked }) => read(path) === locked);
  const needs = "podwire needs user namespaces to run without root";
  if (lock === undefined) {
    return `${needs}, and this system refuses them (${said}): inside a container, give it --privileged; elsewhere, run podwire as root`;
  }
  const name = lock.path.replaceAll("/", ".");
  return `${needs}, and ${lock.who} them (${name} = ${lock.locked}): run \`sudo sysctl -w ${name}=${lock.open}\`, or podwire as root`;
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${path}`, "utf8").trim();
  } catch {
    return undefined;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
