import { podKind } from "#core/objects/pod.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import type { EventRecorder } from "../events/recorder.ts";
import type { Ids } from "../ids.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects } from "../state/objects.ts";
import { carryOutPlanned } from "./commits.ts";
import { ownedPods } from "./owned-pods.ts";
import { controllerOf } from "./owners.ts";
import { createPlanMemo } from "./plan-memo.ts";
import { replicaSetStep } from "./replica-set-step.ts";

export type WorkloadSurroundings = Surroundings & { readonly events: EventRecorder };

/** Keeps as many pods of each ReplicaSet as it asks for. */
export function replicaSetController({ store, clock, events, log }: WorkloadSurroundings, ids: Ids): Loop {
  const memo = createPlanMemo();
  return {
    name: "replica sets",
    prefixes: ["replicasets/", "pods/"],
    async run() {
      const nowMs = clock.wallMs();
      const sets = listObjects(store, replicaSetKind);
      const pods = ownedPods(listObjects(store, podKind));
      const families = Map.groupBy(sets, ({ object }) => controllerOf(object)?.uid ?? "");
      const steps = sets.flatMap((set) => {
        const candidates = pods.candidates(set.object, set.object.spec?.selector);
        const basis = [set.entry, ...candidates.map(({ entry }) => entry)];
        if (!memo.isNews(set.key, basis, nowMs)) return [];
        const controller = controllerOf(set.object)?.uid;
        const family = controller === undefined ? [set] : (families.get(controller) ?? []);
        const related = family.flatMap(({ object }) => pods.of(object.metadata?.uid ?? "")).map(({ object }) => object);
        const step = replicaSetStep({ set, candidates, related }, { store, clock, ids, events });
        memo.remember(set.key, basis, step.dueMs);
        return [step];
      });
      memo.keepOnly(sets.map(({ key }) => key));
      await carryOutPlanned(store, memo, steps);
      if (steps.length > 0) log.debug({ sets: steps.length }, "replica sets were looked at");
      return memo.waitMs(nowMs);
    },
  };
}
