/* Which columns `get` prints, by kind. A new kind is a file beside this one and a line in the table below. */

import { own } from "#core/json.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { ageOf } from "./age.ts";
import { horizontalPodAutoscalerColumns, nodeGroupColumns, verticalPodAutoscalerColumns } from "./autoscaling-columns.ts";
import type { Column } from "./column.ts";
import { daemonSetColumns } from "./daemon-set-columns.ts";
import { configMapColumns, secretColumns } from "./data-columns.ts";
import { slashedName } from "./documents.ts";
import { endpointSliceColumns } from "./endpoint-slice-columns.ts";
import { eventColumns } from "./event-columns.ts";
import { jobColumns } from "./job-columns.ts";
import { labelsText } from "./labels-text.ts";
import { namespaceColumns } from "./namespace-columns.ts";
import { nodeColumns } from "./node-columns.ts";
import { podColumns } from "./pod-columns.ts";
import { podDisruptionBudgetColumns } from "./pod-disruption-budget-columns.ts";
import { serviceColumns } from "./service-columns.ts";
import { statefulSetColumns } from "./stateful-set-columns.ts";
import { deploymentColumns, replicaSetColumns } from "./workload-columns.ts";

const byKind: Readonly<Record<string, readonly Column<never>[]>> = {
  ConfigMap: configMapColumns,
  DaemonSet: daemonSetColumns,
  Deployment: deploymentColumns,
  EndpointSlice: endpointSliceColumns,
  Event: eventColumns,
  HorizontalPodAutoscaler: horizontalPodAutoscalerColumns,
  Job: jobColumns,
  Namespace: namespaceColumns,
  Node: nodeColumns,
  NodeGroup: nodeGroupColumns,
  PodDisruptionBudget: podDisruptionBudgetColumns,
  Pod: podColumns,
  ReplicaSet: replicaSetColumns,
  Secret: secretColumns,
  Service: serviceColumns,
  StatefulSet: statefulSetColumns,
  VerticalPodAutoscaler: verticalPodAutoscalerColumns,
};

export const ageColumn: Column = {
  title: "AGE",
  cell: (object, nowMs) => ageOf(object.metadata?.creationTimestamp, nowMs),
};

/** What stands between the object's name and the end of its row. */
function columnsOf(kind: Kind): readonly Column[] {
  return (byKind[kind.kind] as readonly Column[] | undefined) ?? [ageColumn];
}

export interface Layout {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  readonly withKind: boolean;
  readonly showLabels: boolean;
  /** A column for each of these labels. */
  readonly labelColumns: readonly string[];
}

export function titlesFor(kind: Kind, layout: Layout): string[] {
  return [
    ...(layout.withNamespace ? ["NAMESPACE"] : []),
    ...(hasName(kind) ? ["NAME"] : []),
    ...shown(kind, layout).map((column) => column.title),
    ...layout.labelColumns.map(labelTitle),
    ...(layout.showLabels ? ["LABELS"] : []),
  ];
}

export function rowFor(kind: Kind, object: ApiObject, layout: Layout & { readonly nowMs: number }): string[] {
  const name = object.metadata?.name ?? "";
  return [
    ...(layout.withNamespace ? [object.metadata?.namespace ?? ""] : []),
    ...(hasName(kind) ? [layout.withKind ? slashedName({ kind, name }) : name] : []),
    ...shown(kind, layout).map((column) => column.cell(object, layout.nowMs)),
    ...layout.labelColumns.map((key) => own(object.metadata?.labels ?? {}, key) ?? ""),
    ...(layout.showLabels ? [labelsText(object.metadata?.labels ?? {})] : []),
  ];
}

/** Whether the rows of that kind begin with a name. */
function hasName(kind: Kind): boolean {
  return kind.kind !== "Event";
}

/** `kubernetes.io/arch` → `ARCH` */
function labelTitle(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1).toUpperCase();
}

function shown(kind: Kind, { wide }: Layout): readonly Column[] {
  return columnsOf(kind).filter((column) => wide || column.wide !== true);
}
