/* Keeps each PodDisruptionBudget's status true; what it allows, budget.ts decides, and server/evict.ts uses up. */

import { isAppError } from "#core/errors.ts";
import { jsonEqual } from "#core/json.ts";
import { selectorMatches } from "#core/objects/label-selector.ts";
import { podKind } from "#core/objects/pod.ts";
import { podDisruptionBudgetKind } from "#core/objects/pod-disruption-budget.ts";
import type { Pod, PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import { findCondition } from "../state/conditions.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf, putObject, unchanged } from "../state/objects.ts";
import { budgetStatus } from "./budget.ts";
import { scaledKinds, scaleOf } from "./scales.ts";

export function budgetController({ store, clock, events }: Surroundings & { readonly events: EventRecorder }): Loop {
  return {
    name: "disruption budgets",
    prefixes: ["poddisruptionbudgets/", "pods/", ...scaledKinds.map((kind) => `${kind.toLowerCase()}s/`)],
    async run() {
      for (const { entry, object: budget } of listObjects(store, podDisruptionBudgetKind)) {
        const { namespace } = metadataOf(budget);
        const pods = podsOf(
          budget,
          listObjects(store, podKind, namespace).map(({ object }) => object),
        );
        const status = budgetStatus({ budget, pods, scaleOf: (owner) => scaleOf(store, namespace, owner), clock });
        const next = { ...budget, status };
        if (jsonEqual(podDisruptionBudgetKind.toJson(next), podDisruptionBudgetKind.toJson(budget))) continue;
        try {
          await store.commit({ checks: [unchanged(entry)], writes: [putObject(podDisruptionBudgetKind, next)] });
          report(next, pods, events);
        } catch (error) {
          // Whoever wrote first has woken this loop again.
          if (!isAppError(error, "conflict")) throw error;
        }
      }
      return undefined;
    },
  };
}

export function podsOf({ metadata, spec }: PodDisruptionBudget, pods: readonly Pod[]): readonly Pod[] {
  return pods.filter(
    (pod) => pod.metadata?.namespace === metadata?.namespace && selectorMatches(spec?.selector, pod.metadata?.labels ?? {}),
  );
}

function report(budget: PodDisruptionBudget, pods: readonly Pod[], events: EventRecorder): void {
  const said = { about: referenceTo(podDisruptionBudgetKind, budget), component: "controllermanager" };
  if (pods.length === 0) events.record({ ...said, type: "Normal", reason: "NoPods", message: "No matching pods found" });
  const { reason, message } = findCondition(budget.status?.conditions ?? [], "DisruptionAllowed") ?? {};
  if (reason === "SyncFailed") {
    const why = `Failed to calculate the number of expected pods: ${message}`;
    events.record({ ...said, type: "Warning", reason: "CalculateExpectedPodCountFailed", message: why });
  }
}
