/* Pods whose containers write down, in a volume that they share, what they do and in which order. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerStatus, Pod } from "#proto/podwire/v1/resources.ts";
import { type AgentOfPods, makePod } from "./pod-lab.ts";

export interface StoryPod {
  readonly containers: readonly object[];
  readonly initContainers?: readonly object[];
  readonly restartPolicy?: string;
  readonly graceSeconds?: number;
  readonly spec?: object;
}

/** A pod whose containers find the folder /shared. */
export function storyPod(name: string, { containers, initContainers = [], restartPolicy = "Always", ...more }: StoryPod): Pod {
  return makePod(name, [], {
    containers: [...containers],
    spec: {
      initContainers,
      restartPolicy,
      terminationGracePeriodSeconds: more.graceSeconds ?? 30,
      volumes: [{ name: "shared", emptyDir: {} }],
      ...more.spec,
    },
  });
}

/** `say WORD` writes a line of the story. */
export function teller(name: string, script: string, more: object = {}): object {
  return {
    name,
    image: "any",
    command: ["sh", "-c", `say() { echo "$1" >>/shared/story; }\n${script}`],
    volumeMounts: [{ name: "shared", mountPath: "/shared" }],
    ...more,
  };
}

export function storyOf(agent: AgentOfPods, pod: Pod): string[] {
  return readFileSync(join(agent.records.folder(pod.metadata?.uid ?? ""), "volumes/shared/story"), "utf8")
    .trim()
    .split("\n");
}

/** For a pod whose story may not have begun. */
export function storySoFar(agent: AgentOfPods, pod: Pod): string[] {
  try {
    return storyOf(agent, pod);
  } catch {
    return [];
  }
}

/** How a container is, by the last report. */
export function statusOf(agent: AgentOfPods, pod: Pod, name: string): ContainerStatus {
  const { containerStatuses = [], initContainerStatuses = [] } = agent.status(pod) ?? {};
  const found = [...containerStatuses, ...initContainerStatuses].find((status) => status.name === name);
  if (found === undefined) throw new Error(`there is no status of ${name}`);
  return found;
}

/** "True", "False Reason"… */
export function conditionOf(agent: AgentOfPods, pod: Pod, type: string): string {
  const found = agent.status(pod)?.conditions.find((condition) => condition.type === type);
  return [found?.status, found?.reason].filter(Boolean).join(" ");
}

/** The events of a pod as "Reason message", in their order. */
export function eventsOf(agent: AgentOfPods, pod: Pod): string[] {
  return agent.events.filter(({ uid }) => uid === pod.metadata?.uid).map(({ reason, message }) => `${reason} ${message}`);
}
