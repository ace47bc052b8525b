/* How `describe` lays a kind out. A new kind is a file beside this one and a line in the table below. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { alignTabs } from "../tabbed.ts";
import type { Describer, Surroundings } from "./describer.ts";
import { annotationsField, field, labelsField, timeText } from "./fields.ts";
import { namespaceDescriber } from "./namespace.ts";
import { nodeDescriber } from "./node.ts";
import { podDescriber } from "./pod.ts";

const byKind: Readonly<Record<string, Describer<never>>> = {
  Namespace: namespaceDescriber,
  Node: nodeDescriber,
  Pod: podDescriber,
};

/** For kinds without a layout of their own. */
const plain: Describer = {
  lines: ({ metadata }) => [
    field("Name", metadata?.name),
    ...(metadata?.namespace === undefined ? [] : [field("Namespace", metadata.namespace)]),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
    field("CreationTimestamp", timeText(metadata?.creationTimestamp)),
  ],
};

export function describerOf(kind: Kind): Describer {
  return (byKind[kind.kind] as Describer | undefined) ?? plain;
}

export function describeObject(kind: Kind, object: ApiObject, surroundings: Surroundings): string {
  return alignTabs(describerOf(kind).lines(object, surroundings));
}
