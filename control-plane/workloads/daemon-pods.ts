/* Which nodes a DaemonSet's pods are for, and how such a pod is bound to one of them, as Kubernetes does it
 * (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/). Pure. */

import { tolerates } from "#core/objects/pod-placement.ts";
import {
  Affinity,
  type DaemonSet,
  type Node,
  type Pod,
  type PodSpec,
  type PodTemplateSpec,
  Toleration,
} from "#proto/podwire/v1/resources.ts";
import { isWantedNode } from "../scheduler/node-affinity.ts";
import { taintsOf } from "../state/node-taints.ts";
import { nameOf } from "../state/objects.ts";

export interface Fitness {
  /** A pod belongs there. */
  readonly runs: boolean;
  /** One that is there may stay. */
  readonly stays: boolean;
}

const nowhere: Fitness = { runs: false, stays: false };

/** How well nodes fit the set's pods. */
export function fitnessFor(set: DaemonSet): (node: Node) => Fitness {
  const spec = set.spec?.template?.spec;
  if (spec === undefined) return () => nowhere;
  const tolerations = daemonTolerations(spec);
  return (node) => {
    if (node.metadata?.deletionTimestamp !== undefined) return nowhere;
    if ((spec.nodeName ?? "") !== "" && spec.nodeName !== nameOf(node)) return nowhere;
    if (!isWantedNode({ spec }, node)) return nowhere;
    const refused = taintsOf(node).filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)));
    return {
      runs: !refused.some(({ effect }) => effect === "NoSchedule" || effect === "NoExecute"),
      stays: !refused.some(({ effect }) => effect === "NoExecute"),
    };
  };
}

/** The template as it is for one node: only that one can take the pod, and the scheduler binds it. */
export function templateFor(template: PodTemplateSpec, node: string): PodTemplateSpec {
  const { spec } = template;
  if (spec === undefined) return template;
  const term = { matchExpressions: [], matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] };
  const affinity = spec.affinity ?? Affinity.fromJSON({});
  const nodeAffinity = {
    preferredDuringSchedulingIgnoredDuringExecution: [],
    ...affinity.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
  };
  return { ...template, spec: { ...spec, affinity: { ...affinity, nodeAffinity }, tolerations: daemonTolerations(spec) } };
}

/** The node that a DaemonSet's pod is for, bound or not. */
export function targetOf({ spec }: Pod): string {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(({ matchFields }) => matchFields);
  return spec?.nodeName || (fields.find(({ key }) => key === "metadata.name")?.values[0] ?? "");
}

const everywhere = [
  { key: "node.kubernetes.io/not-ready", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" },
];
const onHostNetwork = { key: "node.kubernetes.io/network-unavailable", effect: "NoSchedule" };

/** It stays where others are driven away: what it does, it does for the node. */
function daemonTolerations({ tolerations, hostNetwork }: PodSpec): Toleration[] {
  const wanted = hostNetwork === true ? [...everywhere, onHostNetwork] : everywhere;
  const own = new Set(wanted.map(({ key, effect }) => `${key}:${effect}`));
  return [
    ...tolerations.filter(({ key, effect, operator }) => !(operator === "Exists" && own.has(`${key}:${effect}`))),
    ...wanted.map((taint) => Toleration.fromJSON({ ...taint, operator: "Exists" })),
  ];
}
