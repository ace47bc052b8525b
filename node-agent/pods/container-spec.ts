/* What a container is started with, from its pod, the objects that it names and what its node gave it. Pure; where something is
 * missing or can't be had it throws an AppError whose reason is the container's waiting reason. */

import type { Ipv4 } from "#core/ipv4.ts";
import type { ContainerMount, ContainerSpec } from "#kernel/containers.ts";
import type { Container, Pod, Service } from "#proto/podwire/v1/resources.ts";
import type { ConfigSources } from "./config-sources.ts";
import { imageVariables, programOf } from "./images.ts";
import { declaredVariables, expand } from "./pod-environment.ts";
import { environmentOf, hostnameOf, hostsFile } from "./pod-files.ts";
import { limitsOf } from "./pod-limits.ts";
import { rightsOf } from "./pod-security.ts";
import { volumeMountsOf } from "./volumes.ts";

export interface ContainerSpecInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly sources: ConfigSources;
  readonly services: Iterable<Service>;
  readonly nodeName: string;
  readonly nodeAddress: Ipv4;
  /** The pod's; the node's in the node's network. */
  readonly address: Ipv4;
  /** The pod's network namespace; the node's own where it is absent. */
  readonly netns: string | undefined;
  readonly resolvConf: string;
  readonly podFolder: string;
  /** A folder of this host that no pod may see. */
  readonly hiddenFolder: string;
  /** Beside the pod's volumes, after them. */
  readonly mounts?: readonly ContainerMount[];
}

export function containerSpecOf(input: ContainerSpecInput): Omit<ContainerSpec, "stateDir" | "logPath"> {
  const { pod, container, nodeName, address, netns, resolvConf, podFolder, hiddenFolder, mounts = [] } = input;
  const hostname = hostnameOf(pod, nodeName);
  const variables = declaredVariables(input);
  const rights = rightsOf(pod, container);
  const env = {
    ...environmentOf(hostname, rights.user?.uid ?? 0),
    ...imageVariables(container.image),
    ...Object.fromEntries(variables),
  };
  const expanded = (words: readonly string[]) => words.map((word) => expand(word, variables));
  const argv = programOf({ ...container, command: expanded(container.command), args: expanded(container.args) });
  return {
    ...(netns === undefined ? {} : { netns }),
    hidden: hiddenFolder,
    hostname,
    hosts: hostsFile(pod, hostname, address),
    resolvConf,
    mounts: [...volumeMountsOf(pod, container, podFolder), ...mounts],
    rights,
    limits: limitsOf(container),
    ...(container.stdin === true ? { stdin: container.stdinOnce === true ? "once" : "lasting" } : {}),
    command: { argv, env, ...(container.workingDir === undefined ? {} : { workingDir: container.workingDir }) },
  };
}
