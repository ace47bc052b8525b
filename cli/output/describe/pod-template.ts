/* The pods that a workload makes, and how those are that it has. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import { Pod, type PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import type { Query } from "../../objects.ts";
import { containersLines } from "./container.ts";
import { annotationsField, indented, labelsField } from "./fields.ts";
import { tolerationsField } from "./tolerations.ts";
import { volumeLines } from "./volume.ts";

export function templateLines(template: PodTemplateSpec | undefined): string[] {
  const { metadata, spec } = template ?? {};
  const pod = Pod.fromJSON({});
  return [
    "Pod Template:",
    ...indented([
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...(Object.keys(metadata?.annotations ?? {}).length === 0 ? [] : annotationsField(metadata?.annotations ?? {})),
      ...containersLines("Init Containers", spec?.initContainers ?? [], pod),
      ...containersLines("Containers", spec?.containers ?? [], pod),
      ...volumeLines(spec?.volumes ?? []),
      ...labelsField("Node-Selectors", spec?.nodeSelector ?? {}),
      ...tolerationsField(spec?.tolerations ?? []),
    ]),
  ];
}

/** All pods of the namespace: a selector of expressions has no text that a query takes. */
export function podsBeside({ metadata }: ApiObject): Query {
  return { kind: podKind as unknown as Kind, namespace: metadata?.namespace ?? "" };
}

/** Those of them that the object controls. */
export function podsOf({ metadata }: ApiObject, related: readonly ApiObject[]): readonly Pod[] {
  const isOwn = (pod: ApiObject) =>
    pod.metadata?.ownerReferences.some(({ controller, uid }) => controller === true && uid === metadata?.uid);
  return related.filter(isOwn) as readonly Pod[];
}

/** `3 Running / 0 Waiting / 0 Succeeded / 0 Failed` */
export function podsStatusText(pods: readonly Pod[]): string {
  const count = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
  return `${count("Running")} Running / ${count("Pending")} Waiting / ${count("Succeeded")} Succeeded / ${count("Failed")} Failed`;
}
