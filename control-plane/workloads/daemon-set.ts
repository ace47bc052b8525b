/* What becomes of a DaemonSet's pods: one on every node that fits; a new template replaces them node by node. Pure.
 *
 * A rolling update ends old pods while no more than maxUnavailable nodes are without an available one; with maxSurge it first makes the
 * new pod beside the old one, which ends when the new one is available. */

import { scaledValue } from "#core/int-or-percent.ts";
import { daemonSetKind } from "#core/objects/daemon-set.ts";
import type { DaemonSet, DaemonSetStatus, Pod } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../state/conditions.ts";
import { metadataOf, nameOf } from "../state/objects.ts";
import { fitnessFor, targetOf, templateFor } from "./daemon-pods.ts";
import { revisionLabel } from "./pod-slots.ts";
import { availableFromMs, hasEnded, isActive } from "./pod-state.ts";
import { templateHash } from "./template-hash.ts";
import { earliest, type NewPod, type Saying, type Workload, type WorkloadPlan, type WorkloadQuestion } from "./workload.ts";

type Question = WorkloadQuestion<DaemonSet>;

export const daemonSetWorkload: Workload<DaemonSet> = {
  kind: daemonSetKind,
  component: "daemonset-controller",
  followsNodes: true,
  selectorOf: ({ spec }) => spec?.selector,
  plan: planDaemonSet,
  says: (what, pod) => `${what === "created" ? "Created" : "Deleted"} pod: ${pod}`,
};

/** One node, and the set's pods there. */
interface Place {
  readonly node: string;
  readonly runs: boolean;
  readonly stays: boolean;
  /** Neither ended nor asked to, the oldest first. */
  readonly standing: readonly Pod[];
  /** Ended by themselves. */
  readonly ended: readonly Pod[];
  readonly isEmpty: boolean;
}

interface Judge {
  readonly isAvailable: (pod: Pod) => boolean;
  /** It is of the template of now. */
  readonly isNew: (pod: Pod) => boolean;
}

function planDaemonSet(question: Question): WorkloadPlan<DaemonSet> {
  const { owner, canCreate, clock } = question;
  const places = placesOf(question);
  const minReadyMs = clock.timerMs(owner.spec?.minReadySeconds ?? 0);
  const fromMs = (pod: Pod) => availableFromMs(pod, minReadyMs) ?? Number.POSITIVE_INFINITY;
  const isAvailable = (pod: Pod) => fromMs(pod) <= clock.wallMs();
  const hash = templateHash(owner.spec?.template, undefined);
  const isNew = (pod: Pod) => metadataOf(pod).labels[revisionLabel] === hash;
  const judge = { isAvailable, isNew };
  const rollout = rolloutOf(owner, places, judge);
  const missing = places.filter(({ runs, isEmpty }) => runs && isEmpty).map(({ node }) => node);
  const nodes = new Set(places.map(({ node }) => node));
  const lost = question.pods.filter((pod) => isActive(pod) && !nodes.has(targetOf(pod)));
  const ended = places.flatMap((place) => (place.stays ? place.ended : []));
  const unwanted = places.flatMap((place) => (place.stays ? [] : [...place.standing, ...place.ended]));
  const repeated = places.flatMap((place) => (place.stays ? repetitionsOn(place, isNew) : []));
  return {
    create: canCreate ? [...missing, ...rollout.surge].map((node) => newPod(owner, node, hash)) : [],
    remove: [...new Set([...ended, ...unwanted, ...repeated, ...rollout.remove, ...lost])],
    says: ended.map(ending),
    next: { ...owner, status: statusOf(owner, places, judge) },
    dueMs: earliest(question.pods.map(fromMs).filter((ms) => ms > clock.wallMs())),
  };
}

function placesOf({ owner, pods, nodes }: Question): readonly Place[] {
  const byNode = Map.groupBy(pods, targetOf);
  const fitness = fitnessFor(owner);
  return nodes.map((node) => {
    const there = byNode.get(nameOf(node)) ?? [];
    return {
      ...fitness(node),
      node: nameOf(node),
      standing: there.filter(isActive).sort(byAge),
      ended: there.filter((pod) => hasEnded(pod) && metadataOf(pod).deletionTimestamp === undefined),
      isEmpty: there.length === 0,
    };
  });
}

/** Of several pods of one template on one node, all but the oldest. */
function repetitionsOn({ standing }: Place, isNew: (pod: Pod) => boolean): readonly Pod[] {
  return [standing.filter(isNew), standing.filter((pod) => !isNew(pod))].flatMap((same) => same.slice(1));
}

interface Rollout {
  readonly remove: readonly Pod[];
  /** Nodes that get a new pod beside the old one. */
  readonly surge: readonly string[];
}

function rolloutOf(set: DaemonSet, places: readonly Place[], { isAvailable, isNew }: Judge): Rollout {
  if (set.spec?.updateStrategy?.type === "OnDelete") return { remove: [], surge: [] };
  const wanted = places.filter(({ runs }) => runs);
  const { maxUnavailable = 1, maxSurge = 0 } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const pairs = wanted.map(({ node, standing }) => ({
    node,
    old: standing.find((pod) => !isNew(pod)),
    fresh: standing.find(isNew),
  }));
  // Whatever the bounds, an old pod goes where its successor works or where it doesn't work itself.
  const useless = pairs.filter(
    ({ old, fresh }) => old !== undefined && (!isAvailable(old) || (fresh !== undefined && isAvailable(fresh))),
  );
  const surging = pairs.filter(({ old, fresh }) => old !== undefined && fresh !== undefined).length;
  const waiting = pairs.filter(({ old, fresh }) => old !== undefined && fresh === undefined && isAvailable(old));
  const surgeCount = Math.max(0, scaledValue(maxSurge, wanted.length, "up") - surging);
  const without = pairs.filter(({ old, fresh }) => ![old, fresh].some((pod) => pod !== undefined && isAvailable(pod))).length;
  const removeCount = Math.max(0, scaledValue(maxUnavailable, wanted.length, "up") - without);
  return {
    remove: [...useless, ...waiting.slice(0, removeCount)].flatMap(({ old }) => old ?? []),
    surge: waiting.slice(removeCount, removeCount + surgeCount).map(({ node }) => node),
  };
}

function statusOf(set: DaemonSet, places: readonly Place[], { isAvailable, isNew }: Judge): DaemonSetStatus {
  const wanted = places.filter(({ runs }) => runs);
  const count = (holds: (pod: Pod) => boolean) => wanted.filter(({ standing }) => standing.some(holds)).length;
  const available = count(isAvailable);
  return {
    currentNumberScheduled: count(() => true),
    numberMisscheduled: places.filter(({ runs, standing }) => !runs && standing.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: count(isReady),
    observedGeneration: set.metadata?.generation,
    updatedNumberScheduled: count(isNew),
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
    conditions: set.status?.conditions ?? [],
  };
}

function newPod(set: DaemonSet, node: string, hash: string): NewPod {
  const template = templateFor(set.spec?.template ?? { metadata: undefined, spec: undefined }, node);
  return { template, metadata: { labels: { ...template.metadata?.labels, [revisionLabel]: hash } } };
}

function ending(pod: Pod): Saying {
  const where = `node ${targetOf(pod)}`;
  if (pod.status?.phase === "Failed") {
    const message = `Found failed daemon pod ${metadataOf(pod).namespace}/${nameOf(pod)} on ${where}, will try to kill it`;
    return { type: "Warning", reason: "FailedDaemonPod", message };
  }
  const message = `Found succeeded daemon pod ${metadataOf(pod).namespace}/${nameOf(pod)} on ${where}, will try to delete it`;
  return { type: "Normal", reason: "SucceededDaemonPod", message };
}

function byAge(a: Pod, b: Pod): number {
  return (metadataOf(a).creationTimestamp ?? "") < (metadataOf(b).creationTimestamp ?? "") ? -1 : 1;
}
