/* The workload that an autoscaler scales: its number of pods, which pods are its, and itself with another number. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { selectorMatches } from "#core/objects/label-selector.ts";
import { podKind } from "#core/objects/pod.ts";
import type { CrossVersionObjectReference, LabelSelector, Pod } from "#proto/podwire/v1/resources.ts";
import { scaledKind } from "../disruption/scales.ts";
import { type Found, findObject, listObjects, metadataOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

interface Workload extends ApiObject {
  readonly spec?: { readonly replicas?: number | undefined; readonly selector?: LabelSelector | undefined } | undefined;
}

export interface ScaleTarget {
  readonly kind: Kind;
  readonly found: Found<ApiObject>;
  readonly replicas: number;
  /** By its selector, as Kubernetes' scale subresource says. */
  readonly pods: readonly Pod[];
  withReplicas(replicas: number): ApiObject;
}

/** The problem in Kubernetes' words where there is no such workload, or it has no number of pods. */
export function findScaleTarget(
  store: Store,
  namespace: string,
  { kind: word = "", name = "" }: CrossVersionObjectReference,
): ScaleTarget | string {
  const kind = scaledKind(word);
  if (kind === undefined) return `the server could not find the requested resource: ${word} has no scale subresource`;
  const found = findObject(store, kind, { namespace, name });
  if (found === undefined) return `${kind.plural}.${kind.apiVersion.split("/")[0]} "${name}" not found`;
  const workload = found.object as Workload;
  const { selector, replicas = 1 } = workload.spec ?? {};
  return {
    ...{ kind, found, replicas },
    pods: listObjects(store, podKind, namespace)
      .map(({ object }) => object)
      .filter((pod) => selectorMatches(selector, pod.metadata?.labels ?? {})),
    withReplicas(next) {
      const metadata = metadataOf(workload);
      const changed = { ...workload, spec: { ...workload.spec, replicas: next } };
      return { ...changed, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 } } as ApiObject;
    },
  };
}
