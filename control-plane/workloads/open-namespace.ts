import { namespaceKind } from "#core/objects/namespace.ts";
import type { Namespace } from "#proto/podwire/v1/resources.ts";
import { type Found, findObject, metadataOf } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

/** Undefined where nothing new may come into it. Whoever makes something there checks in the commit that it is still the same. */
export function openNamespace(store: Store, name: string | undefined): Found<Namespace> | undefined {
  const found = findObject(store, namespaceKind, { name: name ?? "" });
  return found !== undefined && metadataOf(found.object).deletionTimestamp === undefined ? found : undefined;
}
