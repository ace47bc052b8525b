/* The templates that a workload keeps beside its own, by revision: what Kubernetes has ControllerRevisions for. They are no objects: nobody
 * but the workload reads them, and they go with it. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { metadataOf } from "../state/objects.ts";
import type { Store, Write } from "../store/store.ts";

type Named = Pick<Kind<never>, "plural">;

export function templateKey(kind: Named, owner: ApiObject, revision: string): string {
  const { namespace, name } = metadataOf(owner);
  return `templates/${kind.plural}/${namespace}/${name}/${revision}`;
}

export function readTemplates(store: Store, kind: Named, owner: ApiObject): ReadonlyMap<string, PodTemplateSpec> {
  const prefix = templateKey(kind, owner, "");
  const { entries } = store.list(prefix);
  return new Map(entries.map(({ key, value }) => [key.slice(prefix.length), PodTemplateSpec.fromJSON(value)]));
}

interface Change {
  readonly kind: Named;
  readonly owner: ApiObject;
  readonly before: ReadonlyMap<string, PodTemplateSpec>;
  readonly after: ReadonlyMap<string, PodTemplateSpec>;
}

export function templateWrites({ kind, owner, before, after }: Change): readonly Write[] {
  const key = (revision: string) => templateKey(kind, owner, revision);
  return [
    ...[...after].flatMap(([revision, template]): Write[] =>
      before.has(revision) ? [] : [{ type: "put", key: key(revision), value: PodTemplateSpec.toJSON(template) as never }],
    ),
    ...[...before.keys()].flatMap((revision): Write[] => (after.has(revision) ? [] : [{ type: "delete", key: key(revision) }])),
  ];
}
