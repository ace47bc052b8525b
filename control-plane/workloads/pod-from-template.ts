/* The pods that controllers make. */

import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { podKind } from "#core/objects/pod.ts";
import type { ObjectMeta, Pod, PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { type Making, newObject } from "../server/new-object.ts";
import { metadataOf } from "../state/objects.ts";
import { controllerReference } from "./owners.ts";

export interface PodRequest<T extends ApiObject> {
  readonly kind: Kind<T>;
  readonly owner: T;
  readonly template: PodTemplateSpec;
  /** Instead of the template's: a name in place of a generated one, more labels. */
  readonly metadata?: Partial<Pick<ObjectMeta, "name" | "generateName" | "labels" | "annotations">>;
  /** Changes what the template says of the pod. */
  readonly spec?: (pod: Pod) => Pod;
}

export type MadePod = { readonly ok: true; readonly pod: Pod } | { readonly ok: false; readonly problems: readonly Problem[] };

/** A pod with a name and a uid, in the controller's namespace; it isn't written yet. */
export function podFromTemplate<T extends ApiObject>(request: PodRequest<T>, making: Making): MadePod {
  const { kind, owner, template, metadata = {}, spec = (pod) => pod } = request;
  const { name = "", namespace } = metadataOf(owner);
  const { labels = {}, annotations = {}, finalizers = [] } = template.metadata ?? {};
  const wanted = podKind.withDefaults({
    metadata: {
      ...emptyMetadata,
      ...(metadata.name === undefined ? { generateName: `${name}-` } : {}),
      namespace,
      ...{ labels, annotations, finalizers },
      ...metadata,
      ownerReferences: [controllerReference(kind, owner)],
    },
    spec: template.spec,
  });
  const pod = spec(wanted);
  const problems = podKind.validate(pod);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, pod: newObject(podKind as unknown as Kind, pod, making).object as Pod };
}
