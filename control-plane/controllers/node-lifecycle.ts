/* Keeps each Node's Ready condition true to its lease and its taints true to its state, and says of the pods of a node that went silent
 * that they are not ready, as Kubernetes' node lifecycle controller does. When it may drive its pods away, eviction-pace.ts decides, and
 * taint-eviction.ts does it. */

import { timestamp } from "#core/clock.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { type EventRecorder, type Happening, referenceTo } from "../events/recorder.ts";
import type { PodCidrRange } from "../ipam/allocator.ts";
import type { Leases } from "../sessions/leases.ts";
import { wantedReady } from "../sessions/ready.ts";
import { findCondition, setCondition, type WantedCondition } from "../state/conditions.ts";
import { planEvictions } from "../state/eviction-pace.ts";
import type { Loop, Surroundings } from "../state/follow.ts";
import { type Driving, withTaints } from "../state/node-taints.ts";
import { listObjects, nameOf, updateObject } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

export interface LifecycleOptions {
  readonly leases: Leases;
  readonly range: PodCidrRange;
}

export function nodeLifecycle(
  { store, clock, log, events }: Surroundings & { readonly events: EventRecorder },
  { leases, range }: LifecycleOptions,
): Loop {
  const withHealth = (node: Node, now: string): Node => {
    const name = nameOf(node);
    const lease = { live: leases.remainingMs(name) > 0, heard: leases.heard(name), leaving: leases.isLeaving(name) };
    const wanted = wantedReady({ node, ...lease, range });
    return withTaints(wanted === undefined ? node : withReady(node, wanted, now), now);
  };

  const keepHealth = async (name: string) => {
    let ready: string | undefined;
    const wrote = await updateObject(store, nodeKind, {
      name,
      change(node) {
        const next = withHealth(node, timestamp(clock));
        ready = readyStatus(next);
        return next;
      },
    });
    if (wrote) log.info({ node: name, ready }, "node's Ready condition or taints changed");
  };

  const drive = async (name: string, driving: Driving) => {
    const wrote = await updateObject(store, nodeKind, { name, change: (node) => withTaints(node, timestamp(clock), driving) });
    if (wrote)
      log.info({ node: name }, driving === "begin" ? "node begins to lose its pods" : "node keeps its pods: all are lost");
  };

  return {
    name: "node lifecycle",
    prefixes: ["nodes/", "pods/"],
    async run() {
      const now = timestamp(clock);
      await Promise.all(readNodes(store).map((node) => (withHealth(node, now) === node ? undefined : keepHealth(nameOf(node)))));
      const plan = planEvictions(readNodes(store), clock);
      for (const name of plan.begin) await drive(name, "begin");
      for (const name of plan.stop) await drive(name, "stop");
      const nodes = readNodes(store);
      const silent = new Set(nodes.filter((node) => readyStatus(node) === "Unknown").map(nameOf));
      if (silent.size > 0) {
        for (const { object } of listObjects(store, podKind)) {
          if (!silent.has(object.spec?.nodeName ?? "") || notReady(object, "") === object) continue;
          const { namespace, name = "" } = object.metadata ?? {};
          const wrote = await updateObject(store, podKind, { namespace, name, change: (pod) => notReady(pod, timestamp(clock)) });
          if (wrote) events.record(nodeNotReady(object));
        }
      }
      return soonest([plan.nextMs, nextLapseMs(nodes, leases)]);
    },
  };
}

function readNodes(store: Store): readonly Node[] {
  return listObjects(store, nodeKind).map(({ object }) => object);
}

function soonest(waits: readonly (number | undefined)[]): number | undefined {
  const given = waits.filter((ms) => ms !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}

function withReady(node: Node, wanted: WantedCondition, now: string): Node {
  const status = node.status ?? { capacity: {}, allocatable: {}, conditions: [], addresses: [] };
  const conditions = setCondition(status.conditions, wanted, now);
  return conditions === status.conditions ? node : { ...node, status: { ...status, conditions: [...conditions] } };
}

function readyStatus(node: Node): string | undefined {
  return findCondition(node.status?.conditions ?? [], "Ready")?.status;
}

function notReady(pod: Pod, now: string): Pod {
  const conditions = pod.status?.conditions ?? [];
  if (pod.status === undefined || findCondition(conditions, "Ready")?.status !== "True") return pod;
  const message = "the pod's node is not ready";
  const next = setCondition(conditions, { type: "Ready", status: "False", reason: "NodeNotReady", message }, now);
  return { ...pod, status: { ...pod.status, conditions: [...next] } };
}

function nodeNotReady(pod: Pod): Happening {
  const about = referenceTo(podKind, pod);
  return { about, type: "Warning", reason: "NodeNotReady", message: "Node is not ready", component: "node-controller" };
}

/** When the next lease may lapse; undefined where none is running. */
function nextLapseMs(nodes: readonly Node[], leases: Leases): number | undefined {
  const running = nodes.map((node) => leases.remainingMs(nameOf(node))).filter((remainingMs) => remainingMs > 0);
  return running.length === 0 ? undefined : Math.min(...running);
}
