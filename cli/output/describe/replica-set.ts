import type { Kind } from "#core/objects/kind.ts";
import { formatLabelSelector } from "#core/objects/label-selector.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { reasonsTable } from "./deployment.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, controllerField, field, labelsField } from "./fields.ts";
import { podTemplateLines } from "./pod-template.ts";

export const replicaSetDescriber: Describer<ReplicaSet> = {
  related: ({ metadata }) => ({ kind: podKind as unknown as Kind, namespace: metadata?.namespace ?? "" }),
  events: true,
  lines: (set, { related }) => [
    field("Name", set.metadata?.name),
    field("Namespace", set.metadata?.namespace),
    field("Selector", formatLabelSelector(set.spec?.selector)),
    ...labelsField("Labels", set.metadata?.labels ?? {}),
    ...annotationsField(set.metadata?.annotations ?? {}),
    ...controllerField(set),
    field("Replicas", `${set.status?.replicas ?? 0} current / ${set.spec?.replicas ?? 0} desired`),
    field("Pods Status", podsText(set, related as readonly Pod[])),
    ...podTemplateLines(set.spec?.template),
    ...reasonsTable(set.status?.conditions ?? []),
  ],
};

function podsText({ metadata }: ReplicaSet, pods: readonly Pod[]): string {
  const own = pods.filter((pod) => pod.metadata?.ownerReferences.some(({ uid }) => uid === metadata?.uid));
  const count = (phase: string) => own.filter(({ status }) => status?.phase === phase).length;
  return `${count("Running")} Running / ${count("Pending")} Waiting / ${count("Succeeded")} Succeeded / ${count("Failed")} Failed`;
}
