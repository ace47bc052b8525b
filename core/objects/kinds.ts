/* The kinds of object, one table: names, groups and rules of each. A new kind is a file beside this one and a line here. */

import { configMapKind } from "./config-map.ts";
import { daemonSetKind } from "./daemon-set.ts";
import { deploymentKind } from "./deployment.ts";
import { endpointSliceKind } from "./endpoint-slice.ts";
import { eventKind } from "./event.ts";
import { horizontalPodAutoscalerKind } from "./horizontal-pod-autoscaler.ts";
import { jobKind } from "./job.ts";
import type { Kind } from "./kind.ts";
import { namespaceKind } from "./namespace.ts";
import { nodeKind } from "./node.ts";
import { nodeGroupKind } from "./node-group.ts";
import { podKind } from "./pod.ts";
import { podDisruptionBudgetKind } from "./pod-disruption-budget.ts";
import { replicaSetKind } from "./replica-set.ts";
import { secretKind } from "./secret.ts";
import { serviceKind } from "./service.ts";
import { statefulSetKind } from "./stateful-set.ts";
import { verticalPodAutoscalerKind } from "./vertical-pod-autoscaler.ts";

export const kinds: readonly Kind[] = [
  namespaceKind,
  nodeKind,
  podKind,
  configMapKind,
  secretKind,
  serviceKind,
  endpointSliceKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  daemonSetKind,
  jobKind,
  podDisruptionBudgetKind,
  horizontalPodAutoscalerKind,
  verticalPodAutoscalerKind,
  nodeGroupKind,
  eventKind,
] as unknown as readonly Kind[];

/** By kind, plural, singular or short name, in any case: "Pod", "pods", "po". */
export function findKind(word: string): Kind | undefined {
  const lower = word.toLowerCase();
  return kinds.find(
    (kind) =>
      kind.kind.toLowerCase() === lower || kind.plural === lower || kind.singular === lower || kind.shortNames.includes(lower),
  );
}

/** Where an object stands in the store: `pods/default/web`, `nodes/node-1`. */
export function keyOf(kind: Pick<Kind, "plural" | "namespaced">, namespace: string | undefined, name: string): string {
  return kind.namespaced ? `${kind.plural}/${namespace ?? ""}/${name}` : `${kind.plural}/${name}`;
}
