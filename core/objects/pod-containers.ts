/* Which of a pod's containers is meant where nobody names one, as kubectl chooses. */

import type { Container, Pod } from "#proto/podwire/v1/resources.ts";

const annotation = "kubectl.kubernetes.io/default-container";

/** Init containers first, in the order in which they run. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

export interface DefaultContainer {
  /** "" where the pod has none. */
  readonly name: string;
  /** What the user should be told of the choice. */
  readonly notes: readonly string[];
}

export function defaultContainer(pod: Pod): DefaultContainer {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  const annotated = pod.metadata?.annotations[annotation] ?? "";
  if (allContainers(pod).some(({ name }) => name === annotated && annotated !== "")) return { name: annotated, notes: [] };
  const name = containers[0]?.name ?? "";
  const missing =
    annotated === "" ? [] : [`Default container name ${JSON.stringify(annotated)} not found in pod ${pod.metadata?.name}`];
  if (containers.length + initContainers.length < 2) return { name, notes: missing };
  const all = [
    ...containers.map((container) => container.name),
    ...initContainers.map((container) => `${container.name} (init)`),
  ];
  return { name, notes: [...missing, `Defaulted container ${JSON.stringify(name)} out of: ${all.join(", ")}`] };
}
