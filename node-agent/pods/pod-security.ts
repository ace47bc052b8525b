/* As whom a container runs, from the pod's and its own security context. Pure. */

import { type ContainerRights, defaultCapabilities } from "#kernel/container-rights.ts";
import type { Capabilities, Container, Pod } from "#proto/podwire/v1/resources.ts";
import { configError } from "./config-sources.ts";

/** The container's own words win over the pod's. Throws what `configError` makes for a capability that can't be had. */
export function rightsOf(pod: Pod, container: Container): ContainerRights {
  const common = pod.spec?.securityContext;
  const own = container.securityContext;
  const uid = own?.runAsUser ?? common?.runAsUser;
  const gid = own?.runAsGroup ?? common?.runAsGroup;
  const fsGroup = common?.fsGroup;
  const groups = [...new Set([...(common?.supplementalGroups ?? []), ...(fsGroup === undefined ? [] : [fsGroup])])];
  const plain = uid === undefined && gid === undefined && groups.length === 0;
  return {
    ...(plain ? {} : { user: { uid: uid ?? 0, gid: gid ?? 0, groups } }),
    ...(own?.capabilities === undefined ? {} : { capabilities: capabilitiesOf(own.capabilities) }),
  };
}

/** As Docker does it: "ALL" first, then one by one; what is both added and dropped is dropped. */
function capabilitiesOf({ add, drop }: Capabilities): string[] {
  const added = add.map(plainName);
  const dropped = drop.map(plainName);
  const beyond = added.filter((name) => name !== "all" && !defaultCapabilities.includes(name));
  if (beyond.length > 0) {
    throw configError(
      `capability ${beyond.map((name) => name.toUpperCase()).join(", ")} can't be added: Podwire's containers have at most ${defaultCapabilities.map((name) => name.toUpperCase()).join(", ")}`,
    );
  }
  const base = dropped.includes("all") && !added.includes("all") ? added : defaultCapabilities;
  return base.filter((name) => !dropped.includes(name));
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/^cap_/, "");
}
