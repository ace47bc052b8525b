/* The three parts that a pod's containers play. Kubernetes: "Init Containers" and "Sidecar Containers"
 * (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/). Pure. */

import type { Container, Pod } from "#proto/podwire/v1/resources.ts";
import type { RestartPolicy } from "./restart.ts";

/** An init container runs to its end before the next one starts; a sidecar starts in the same order and runs on. */
export type ContainerRole = "init" | "sidecar" | "main";

export interface PodContainer {
  readonly role: ContainerRole;
  readonly container: Container;
  readonly restartPolicy: RestartPolicy;
  /** As events name it. */
  readonly fieldPath: string;
}

/** In the order of their start. */
export function containersOf({ spec }: Pod): PodContainer[] {
  const policy = (spec?.restartPolicy || "Always") as RestartPolicy;
  const inits = (spec?.initContainers ?? []).map((container): PodContainer => {
    const role = container.restartPolicy === "Always" ? "sidecar" : "init";
    const fieldPath = `spec.initContainers{${container.name}}`;
    if (role === "sidecar") return { role, container, restartPolicy: "Always", fieldPath };
    // One that succeeded is done, whatever the pod's policy.
    return { role, container, restartPolicy: policy === "Never" ? "Never" : "OnFailure", fieldPath };
  });
  const mains = (spec?.containers ?? []).map(
    (container): PodContainer => ({
      role: "main",
      container,
      restartPolicy: policy,
      fieldPath: `spec.containers{${container.name}}`,
    }),
  );
  return [...inits, ...mains];
}

/** Whether a pod's containers are done, by the exit codes of those that ended for good: an init container failed, or all others ended. */
export function hasEnded(all: readonly PodContainer[], codeOf: (one: PodContainer) => number | undefined): boolean {
  const initFailed = all.some((one) => one.role === "init" && (codeOf(one) ?? 0) !== 0);
  return initFailed || all.filter(({ role }) => role === "main").every((one) => codeOf(one) !== undefined);
}
