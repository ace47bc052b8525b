import type { Kind } from "#core/objects/kind.ts";
import { formatLabelSelector } from "#core/objects/label-selector.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import { newestSet } from "#core/rollout.ts";
import type { Condition, Deployment, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, innerTable, labelsField, timeText } from "./fields.ts";
import { podTemplateLines } from "./pod-template.ts";

export const deploymentDescriber: Describer<Deployment> = {
  related: ({ metadata }) => ({ kind: replicaSetKind as unknown as Kind, namespace: metadata?.namespace ?? "" }),
  events: true,
  lines: (deployment, { related }) => {
    const { metadata, spec, status } = deployment;
    const { maxUnavailable, maxSurge } = spec?.strategy?.rollingUpdate ?? {};
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      field("CreationTimestamp", timeText(metadata?.creationTimestamp)),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("Selector", formatLabelSelector(spec?.selector)),
      field("Replicas", replicasText(deployment)),
      field("StrategyType", spec?.strategy?.type),
      field("MinReadySeconds", spec?.minReadySeconds ?? 0),
      ...(maxSurge === undefined
        ? []
        : [field("RollingUpdateStrategy", `${maxUnavailable} max unavailable, ${maxSurge} max surge`)]),
      ...podTemplateLines(spec?.template),
      ...reasonsTable(status?.conditions ?? []),
      ...setLines(deployment, related as readonly ReplicaSet[]),
    ];
  },
};

function replicasText({ spec, status }: Deployment): string {
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0, unavailableReplicas = 0 } = status ?? {};
  return `${spec?.replicas ?? 1} desired | ${updatedReplicas} updated | ${replicas} total | ${availableReplicas} available | ${unavailableReplicas} unavailable`;
}

export function reasonsTable(conditions: readonly Condition[]): string[] {
  if (conditions.length === 0) return [];
  const rows = conditions.map(({ type = "", status = "", reason = "" }) => [type, status, reason]);
  return ["Conditions:", ...innerTable(["Type", "Status", "Reason"], rows)];
}

function setLines(deployment: Deployment, sets: readonly ReplicaSet[]): string[] {
  const own = sets.filter(({ metadata }) =>
    metadata?.ownerReferences.some(({ uid, controller }) => controller === true && uid === deployment.metadata?.uid),
  );
  const newest = newestSet(deployment, own);
  return [
    field("OldReplicaSets", setsText(own.filter((set) => set !== newest))),
    field("NewReplicaSet", setsText(newest === undefined ? [] : [newest])),
  ];
}

function setsText(sets: readonly ReplicaSet[]): string {
  const texts = sets.map(
    ({ metadata, spec, status }) => `${metadata?.name} (${status?.replicas ?? 0}/${spec?.replicas ?? 0} replicas created)`,
  );
  return texts.join(", ") || "<none>";
}
