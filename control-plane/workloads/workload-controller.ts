import type { ApiObject } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { EventRecorder } from "../events/recorder.ts";
import type { Ids } from "../ids.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { listObjects, metadataOf } from "../state/objects.ts";
import { carryOutPlanned } from "./commits.ts";
import { ownedPods } from "./owned-pods.ts";
import { createPlanMemo } from "./plan-memo.ts";
import type { Workload } from "./workload.ts";
import { workloadStep } from "./workload-step.ts";

/** Carries out what a workload's plans say, for all objects of its kind. */
export function workloadController<T extends ApiObject>(
  workload: Workload<T>,
  { store, clock, events, log }: Surroundings & { readonly events: EventRecorder },
  ids: Ids,
): Loop {
  const { kind, followsNodes } = workload;
  const memo = createPlanMemo();
  return {
    name: kind.plural,
    prefixes: [`${kind.plural}/`, "pods/", ...(followsNodes ? ["nodes/"] : [])],
    async run() {
      const nowMs = clock.wallMs();
      const owners = listObjects(store, kind);
      if (owners.length === 0) return undefined;
      const pods = ownedPods(listObjects(store, podKind));
      const nodes = followsNodes ? listObjects(store, nodeKind) : [];
      const steps = owners.flatMap((owner) => {
        // Its pods are the garbage collector's by now.
        if (metadataOf(owner.object).deletionTimestamp !== undefined) return [];
        const candidates = pods.candidates(owner.object, workload.selectorOf(owner.object));
        const basis = [owner, ...candidates, ...nodes].map(({ entry }) => entry);
        if (!memo.isNews(owner.key, basis, nowMs)) return [];
        const step = workloadStep(
          workload,
          { owner, candidates, nodes: nodes.map(({ object }) => object) },
          { store, clock, ids, events },
        );
        memo.remember(owner.key, basis, step.failed ? nowMs + retryMs : step.dueMs);
        return [step];
      });
      memo.keepOnly(owners.map(({ key }) => key));
      await carryOutPlanned(store, memo, steps);
      if (steps.length > 0) log.debug({ kind: kind.kind, objects: steps.length }, "workloads were looked at");
      return memo.waitMs(nowMs);
    },
  };
}

/** Pods that could not be made are tried again: what stood in their way may be none of theirs. */
const retryMs = 5_000;
