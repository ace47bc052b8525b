/* As whom a container's processes run, and with which capabilities. */

import { readFileSync } from "node:fs";
import { AppError } from "#core/errors.ts";

/** What Docker grants by default (https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities), less mknod: there is nothing to make a device for. */
export const defaultCapabilities: readonly string[] = [
  "audit_write",
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "net_bind_service",
  "net_raw",
  "setfcap",
  "setgid",
  "setpcap",
  "setuid",
  "sys_chroot",
];

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** Beside `gid`. */
  readonly groups: readonly number[];
}

export interface ContainerRights {
  /** Root, with root's group, where it is absent. */
  readonly user?: ContainerUser;
  /** Lower-case names without "cap_"; the default set where it is absent. */
  readonly capabilities?: readonly string[];
}

/** Arguments of setpriv; none holds a space. */
export function rightsArguments({ user, capabilities = defaultCapabilities }: ContainerRights): string[] {
  const bounding = `--bounding-set=${["-all", ...capabilities.map((name) => `+${name}`)].join(",")}`;
  if (user === undefined) return [bounding];
  const groups = user.groups.length === 0 ? "--clear-groups" : `--groups=${user.groups.join(",")}`;
  return [bounding, `--reuid=${user.uid}`, `--regid=${user.gid}`, groups];
}

/** "failed-precondition" where this user namespace lacks the user or one of the groups. */
export function checkUser({ uid, gid, groups }: ContainerUser): void {
  const users = readMap("uid_map");
  const known = readMap("gid_map");
  const missing = [
    ...(isMapped(users, uid) ? [] : [`user ${uid}`]),
    ...[gid, ...groups].filter((group) => !isMapped(known, group)).map((group) => `group ${group}`),
  ];
  if (missing.length === 0) return;
  const message = `${missing.join(", ")} can't be used: an ordinary user's namespace doesn't have it; run Podwire as root, or leave runAsUser, runAsGroup, fsGroup and supplementalGroups out`;
  throw new AppError("failed-precondition", message, { reason: "CreateContainerError" });
}

/** Whether a line of /proc/self/uid_map (first inside, first outside, how many) covers `id`. */
function isMapped(ranges: readonly (readonly number[])[], id: number): boolean {
  return ranges.some(([first = 0, , count = 0]) => id >= first && id < first + count);
}

function readMap(name: "uid_map" | "gid_map"): number[][] {
  const lines = readFileSync(`/proc/self/${name}`, "utf8").trim().split("\n");
  return lines.map((line) => line.trim().split(/\s+/).map(Number));
}
