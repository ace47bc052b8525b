/* How the pods are that something controls. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Query } from "../../objects.ts";
import { field } from "./fields.ts";

/** All pods of the namespace: a selector of expressions has no text that a query takes. */
export function podsBeside({ metadata }: ApiObject): Query {
  return { kind: podKind as unknown as Kind, namespace: metadata?.namespace ?? "" };
}

/** `Pods Status:  3 Running / 0 Waiting / 0 Succeeded / 0 Failed` */
export function podsField({ metadata }: ApiObject, pods: readonly ApiObject[]): string {
  const own = pods.filter((pod) => pod.metadata?.ownerReferences.some(({ uid }) => uid === metadata?.uid)) as readonly Pod[];
  const count = (phase: string) => own.filter(({ status }) => status?.phase === phase).length;
  const text = `${count("Running")} Running / ${count("Pending")} Waiting / ${count("Succeeded")} Succeeded / ${count("Failed")} Failed`;
  return field("Pods Status", text);
}
