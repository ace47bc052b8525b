/* What `-o wide` says of the pods that a workload makes. */

import type { ApiObject } from "#core/objects/kind.ts";
import type { PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import type { Column } from "./column.ts";

interface WithTemplate extends ApiObject {
  readonly spec?: { readonly template?: PodTemplateSpec | undefined } | undefined;
}

export const templateColumns: readonly Column<WithTemplate>[] = [
  { title: "CONTAINERS", wide: true, cell: ({ spec }) => listOf(spec?.template, ({ name }) => name) },
  { title: "IMAGES", wide: true, cell: ({ spec }) => listOf(spec?.template, ({ image }) => image) },
];

function listOf(
  template: PodTemplateSpec | undefined,
  of: (container: { readonly name?: string | undefined; readonly image?: string | undefined }) => string | undefined,
): string {
  return (template?.spec?.containers ?? []).map((container) => of(container) ?? "").join(",");
}
