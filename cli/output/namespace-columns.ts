import type { Namespace } from "#proto/podwire/v1/resources.ts";
import { ageOf } from "./age.ts";
import type { Column } from "./column.ts";

export const namespaceColumns: readonly Column<Namespace>[] = [
  { title: "STATUS", cell: (namespace) => namespace.status?.phase ?? "" },
  { title: "AGE", cell: (namespace, nowMs) => ageOf(namespace.metadata?.creationTimestamp, nowMs) },
];
