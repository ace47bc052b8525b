/* Whom an object belongs to. At most one of its owners is its controller, which alone decides about it. */

import type { ApiObject, Kind } from "#core/objects/kind.ts";
import type { OwnerReference } from "#proto/podwire/v1/resources.ts";
import { metadataOf } from "../state/objects.ts";

export function controllerOf({ metadata }: ApiObject): OwnerReference | undefined {
  return metadata?.ownerReferences.find(({ controller }) => controller === true);
}

export function controllerReference<T extends ApiObject>(kind: Kind<T>, owner: T): OwnerReference {
  const { name, uid } = metadataOf(owner);
  return { apiVersion: kind.apiVersion, kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** The object as it is when `reference` owns it too. */
export function withOwner<T extends ApiObject>(object: T, reference: OwnerReference): T {
  const metadata = metadataOf(object);
  return { ...object, metadata: { ...metadata, ownerReferences: [...metadata.ownerReferences, reference] } };
}

export function withoutOwners<T extends ApiObject>(object: T, uids: ReadonlySet<string>): T {
  const metadata = metadataOf(object);
  const ownerReferences = metadata.ownerReferences.filter(({ uid = "" }) => !uids.has(uid));
  return { ...object, metadata: { ...metadata, ownerReferences } };
}
