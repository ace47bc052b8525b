import { type Clock, timestamp } from "#core/clock.ts";
import { isAppError } from "#core/errors.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import { findCondition, setCondition, type WantedCondition } from "../state/conditions.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Found, listObjects, nameOf, putObject, unchanged } from "../state/objects.ts";
import type { Check, Store } from "../store/store.ts";
import { usageOf } from "./node-usage.ts";
import { createPlacer } from "./placer.ts";

/** Gives every pod that has no node one, or a reason; in the order in which the pods were made. */
export function scheduler({ store, clock, log, events }: Surroundings & { readonly events: EventRecorder }): Loop {
  return {
    name: "scheduler",
    prefixes: ["pods/", "nodes/"],
    async run() {
      const steps = planBindings(store, clock);
      const outcomes = await Promise.allSettled(
        steps.map(async ({ found, next }) => {
          const node = next.spec?.nodeName ?? "";
          const checks: Check[] = [unchanged(found.entry)];
          // A pod is never bound to a node that is deleted at the same moment: it would go with it.
          if (node !== "") checks.push({ key: keyOf(nodeKind, undefined, node), is: "present" });
          await store.commit({ checks, writes: [putObject(podKind, next)] });
          report(found.object, next, events);
          if (node !== "") log.info({ pod: `${next.metadata?.namespace}/${nameOf(next)}`, node }, "pod scheduled");
        }),
      );
      for (const outcome of outcomes) {
        // Whoever wrote first has woken this loop again.
        if (outcome.status === "rejected" && !isAppError(outcome.reason, "conflict")) throw outcome.reason;
      }
      return undefined;
    },
  };
}

/** Of a pod whose maker chose its node there is nothing to tell. */
function report(before: Pod, after: Pod, events: EventRecorder): void {
  const node = after.spec?.nodeName ?? "";
  const said = { about: referenceTo(podKind, before), component: "default-scheduler" };
  if (node === "") {
    const { message = "" } = findCondition(after.status?.conditions ?? [], "PodScheduled") ?? {};
    events.record({ ...said, type: "Warning", reason: "FailedScheduling", message });
  } else if ((before.spec?.nodeName ?? "") === "") {
    const message = `Successfully assigned ${after.metadata?.namespace}/${nameOf(after)} to ${node}`;
    events.record({ ...said, type: "Normal", reason: "Scheduled", message });
  }
}

interface Binding {
  readonly found: Found<Pod>;
  readonly next: Pod;
}

function planBindings(store: Store, clock: Clock): readonly Binding[] {
  const pods = listObjects(store, podKind);
  const open = pods.filter(({ object }) => object.metadata?.deletionTimestamp === undefined && !isScheduled(object));
  if (open.length === 0) return [];
  const nodes = listObjects(store, nodeKind).map(({ object }) => object);
  const nodeNames = new Set(nodes.map(nameOf));
  const place = createPlacer(nodes, usageOf(pods.map(({ object }) => object)));
  const now = timestamp(clock);
  const steps: Binding[] = [];
  for (const found of open.sort((a, b) => a.entry.createRevision - b.entry.createRevision)) {
    const pod = found.object;
    const bound = pod.spec?.nodeName ?? "";
    let next = pod;
    if (bound === "") {
      const decision = place(pod);
      if ("node" in decision) next = withCondition(bind(pod, decision.node), scheduled, now);
      else next = withCondition(pod, unschedulable(decision.unschedulable), now);
    } else if (nodeNames.has(bound)) {
      // Its maker chose the node.
      next = withCondition(pod, scheduled, now);
    }
    if (next !== pod) steps.push({ found, next });
  }
  return steps;
}

function isScheduled(pod: Pod): boolean {
  return (pod.spec?.nodeName ?? "") !== "" && findCondition(pod.status?.conditions ?? [], "PodScheduled")?.status === "True";
}

const scheduled: WantedCondition = { type: "PodScheduled", status: "True" };

function unschedulable(message: string): WantedCondition {
  return { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
}

function bind(pod: Pod, nodeName: string): Pod {
  return pod.spec === undefined ? pod : { ...pod, spec: { ...pod.spec, nodeName } };
}

function withCondition(pod: Pod, wanted: WantedCondition, now: string): Pod {
  if (pod.status === undefined) return pod;
  const conditions = setCondition(pod.status.conditions, wanted, now);
  return conditions === pod.status.conditions ? pod : { ...pod, status: { ...pod.status, conditions: [...conditions] } };
}
