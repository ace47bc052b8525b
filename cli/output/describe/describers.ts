/* How `describe` lays a kind out. A new kind is a file beside this one and a line in the table below. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { alignTabs } from "../tabbed.ts";
import { horizontalPodAutoscalerDescriber, nodeGroupDescriber, verticalPodAutoscalerDescriber } from "./autoscaling.ts";
import { daemonSetDescriber } from "./daemon-set.ts";
import { configMapDescriber, secretDescriber } from "./data.ts";
import { deploymentDescriber } from "./deployment.ts";
import type { Describer, Surroundings } from "./describer.ts";
import { endpointSliceDescriber } from "./endpoint-slice.ts";
import { eventLines } from "./events.ts";
import { genericLines } from "./generic.ts";
import { jobDescriber } from "./job.ts";
import { namespaceDescriber } from "./namespace.ts";
import { nodeDescriber } from "./node.ts";
import { podDescriber } from "./pod.ts";
import { podDisruptionBudgetDescriber } from "./pod-disruption-budget.ts";
import { replicaSetDescriber } from "./replica-set.ts";
import { serviceDescriber } from "./service.ts";
import { statefulSetDescriber } from "./stateful-set.ts";

const byKind: Readonly<Record<string, Describer<never>>> = {
  ConfigMap: configMapDescriber,
  DaemonSet: daemonSetDescriber,
  Deployment: deploymentDescriber,
  EndpointSlice: endpointSliceDescriber,
  HorizontalPodAutoscaler: horizontalPodAutoscalerDescriber,
  Job: jobDescriber,
  Namespace: namespaceDescriber,
  Node: nodeDescriber,
  NodeGroup: nodeGroupDescriber,
  PodDisruptionBudget: podDisruptionBudgetDescriber,
  Pod: podDescriber,
  ReplicaSet: replicaSetDescriber,
  Secret: secretDescriber,
  Service: serviceDescriber,
  StatefulSet: statefulSetDescriber,
  VerticalPodAutoscaler: verticalPodAutoscalerDescriber,
};

export function describerOf(kind: Kind): Describer {
  const described = byKind[kind.kind] as Describer | undefined;
  return described ?? { lines: (object) => genericLines({ kind, object }) };
}

export function describeObject(kind: Kind, object: ApiObject, surroundings: Surroundings): string {
  const { events, nowMs } = surroundings;
  const lines = describerOf(kind).lines(object, surroundings);
  return alignTabs(events === undefined ? lines : [...lines, ...eventLines(events, nowMs)]);
}
