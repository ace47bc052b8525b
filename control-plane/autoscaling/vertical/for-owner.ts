import type { ApiObject, Kind } from "#core/objects/kind.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { metadataOf } from "../../state/objects.ts";
import type { Store } from "../../store/store.ts";
import { controllerReference } from "../../workloads/owners.ts";
import { withRecommendation } from "./pod-resources.ts";
import { autoscalersByTarget, targetsAbove } from "./targets.ts";

/** What an autoscaler of an owner's pods, or of its controller's, makes of each new one; the pod stays as it is where there is none. */
export function recommendedTo<T extends ApiObject>(store: Store, kind: Kind<T>, owner: T): (pod: Pod) => Pod {
  const { namespace } = metadataOf(owner);
  const autoscalers = autoscalersByTarget(store, namespace);
  if (autoscalers.size === 0) return (pod) => pod;
  const reference = controllerReference(kind, owner);
  const part = { metadata: { ...metadataOf(owner), ownerReferences: [reference] } };
  const found = targetsAbove(store, part).map((target) => autoscalers.get(target));
  const autoscaler = found.find((candidate) => candidate !== undefined);
  return autoscaler === undefined ? (pod) => pod : (pod) => withRecommendation(pod, autoscaler);
}
