/* As whom a container's processes run, and with which capabilities. */

import { AppError } from "#core/errors.ts";
import { isMapped, maySetGroups } from "./id-maps.ts";

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

/** Arguments of setpriv; none holds a space. Where groups can't be set, `checkUser` lets no others through than those that are there. */
export function rightsArguments({ user, capabilities = defaultCapabilities }: ContainerRights): string[] {
  const bounding = `--bounding-set=${["-all", ...capabilities.map((name) => `+${name}`)].join(",")}`;
  if (user === undefined) return [bounding];
  return [bounding, `--reuid=${user.uid}`, `--regid=${user.gid}`, groupsArgument(user.groups)];
}

function groupsArgument(groups: readonly number[]): string {
  if (!maySetGroups()) return "--keep-groups";
  return groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`;
}

/** "failed-precondition" where this user namespace lacks the user or one of the groups. */
export function checkUser({ uid, gid, groups }: ContainerUser): void {
  const settable = maySetGroups();
  const others = groups.filter((group) => group !== gid);
  const missing = [
    ...(isMapped("uid_map", uid) ? [] : [`user ${uid}`]),
    ...(isMapped("gid_map", gid) ? [] : [`group ${gid}`]),
    ...others.filter((group) => !settable || !isMapped("gid_map", group)).map((group) => `group ${group}`),
  ];
  if (missing.length === 0) return;
  const message = `${missing.join(", ")} can't be used: an ordinary user's namespace doesn't have it; run Podwire as root, or leave runAsUser, runAsGroup, fsGroup and supplementalGroups out`;
  throw new AppError("failed-precondition", message, { reason: "CreateContainerError" });
}
