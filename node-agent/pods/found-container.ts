/* One container of a pod, as exec, logs and attach find it by its name. */

import { AppError } from "#core/errors.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { containerFolder } from "./container-folders.ts";

export interface FoundContainer {
  readonly name: string;
  /** Of its newest run. */
  readonly stateDir: string;
  /** Of that many runs before the newest. */
  logPath(runsBack: number): string | undefined;
  /** The pod's network namespace; the node's own where it is absent. */
  readonly netns: string | undefined;
}

export interface FindContainer {
  readonly pod: Pod;
  /** Of a container or an init container; the pod's first container where it is "". */
  readonly name: string;
  readonly podFolder: string;
  readonly netns: string | undefined;
}

export function foundContainer({ pod, name, podFolder, netns }: FindContainer): FoundContainer {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const spec = name === "" ? containers[0] : [...containers, ...initContainers].find((container) => container.name === name);
  if (spec?.name === undefined) {
    throw new AppError("invalid", `container ${name} is not valid for pod ${pod.metadata?.name}`, { reason: "BadRequest" });
  }
  const folder = containerFolder(podFolder, spec.name);
  const newest = folder.newest();
  return {
    name: spec.name,
    stateDir: folder.stateDir(newest ?? 0),
    logPath: (runsBack) => (newest === undefined || newest < runsBack ? undefined : folder.logPath(newest - runsBack)),
    netns,
  };
}
