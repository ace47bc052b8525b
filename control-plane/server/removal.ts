import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { namespaceKind } from "#core/objects/namespace.ts";
import { nodeKind } from "#core/objects/node.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { releasePodCidrs } from "../ipam/allocator.ts";
import { identityKey } from "../sessions/identity.ts";
import { metadataOf } from "../state/objects.ts";
import type { Write } from "../store/store.ts";
import { releasedBy } from "./admission.ts";

/**
 * What removes an object whose deletion began, or undefined while something must still happen: a finalizer is left, a node has
 * to end the pod, a namespace has contents.
 */
export function removalOf(kind: Kind, object: ApiObject): readonly Write[] | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = metadataOf(object);
  if (deletionTimestamp === undefined || finalizers.length > 0) return undefined;
  if ((deletionGracePeriodSeconds ?? 0) > 0 || kind.kind === namespaceKind.kind) return undefined;
  return deletionOf(kind, object);
}

/** The writes that take the object out of the store, with all that it alone held. */
function deletionOf(kind: Kind, object: ApiObject): readonly Write[] {
  const { namespace, name = "" } = metadataOf(object);
  const self: Write = { type: "delete", key: keyOf(kind, namespace, name) };
  if (kind.kind !== nodeKind.kind) return [self, ...releasedBy(kind, object)];
  return [self, { type: "delete", key: identityKey(name) }, ...releasePodCidrs(object as Node)];
}
