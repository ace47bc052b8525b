/* Every pod by whom it belongs to, found once for all of a kind's objects instead of by a look at each pod for each of them. Pure. */

import type { ApiObject } from "#core/objects/kind.ts";
import type { LabelSelector, Pod } from "#proto/podwire/v1/resources.ts";
import { podsByLabel } from "../endpoints/selected-pods.ts";
import type { Found } from "../state/objects.ts";
import { controllerOf } from "./owners.ts";

export interface OwnedPods {
  /** Those that the object with that uid controls. */
  of(uid: string): readonly Found<Pod>[];
  /** Those that it controls, and those that nobody does and that it may select. */
  candidates(owner: ApiObject, selector: LabelSelector | undefined): readonly Found<Pod>[];
}

export function ownedPods(pods: readonly Found<Pod>[]): OwnedPods {
  const owned = Map.groupBy(pods, ({ object }) => controllerOf(object)?.uid ?? "");
  const free = new Map((owned.get("") ?? []).map((found) => [found.object, found]));
  const freeByLabel = podsByLabel([...free.keys()]);
  const of = (uid: string) => owned.get(uid) ?? [];
  return {
    of,
    candidates({ metadata }, selector) {
      const { namespace = "", uid = "" } = metadata ?? {};
      const labels = selector?.matchLabels ?? {};
      const orphans =
        Object.keys(labels).length > 0
          ? freeByLabel.selected(namespace, labels)
          : [...free.keys()].filter((pod) => pod.metadata?.namespace === namespace);
      return [...of(uid), ...orphans.flatMap((pod) => free.get(pod) ?? [])];
    },
  };
}
