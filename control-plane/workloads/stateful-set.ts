/* What becomes of a StatefulSet's pods, as Kubernetes' controller decides it
 * (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/). Pure.
 *
 *   OrderedReady  pods are made from the lowest number up, each when all before it are available; and ended from the highest number
 *                 down, each when the one before it is gone. One step at a time.
 *   Parallel      all at once.
 *   An update     ends old pods from the highest number down to the partition, each when all pods are available again.
 *
 * The template of before is kept while pods may be made of it: one below the partition that is lost comes back as it was. */

import { scaledValue } from "#core/int-or-percent.ts";
import { statefulSetKind } from "#core/objects/stateful-set.ts";
import type { Pod, PodTemplateSpec, StatefulSet, StatefulSetStatus } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../state/conditions.ts";
import { metadataOf, nameOf } from "../state/objects.ts";
import { ordinalOf, podIndexLabel, podNameLabel, revisionLabel, type Slots, slotsOf } from "./pod-slots.ts";
import { availableFromMs, hasEnded } from "./pod-state.ts";
import { templateHash } from "./template-hash.ts";
import { earliest, type NewPod, type Saying, type Workload, type WorkloadPlan, type WorkloadQuestion } from "./workload.ts";

type Question = WorkloadQuestion<StatefulSet>;

export const statefulSetWorkload: Workload<StatefulSet> = {
  kind: statefulSetKind,
  component: "statefulset-controller",
  followsNodes: false,
  selectorOf: ({ spec }) => spec?.selector,
  isMember: (set, pod) => ordinalOf(set, pod) !== undefined,
  plan: planStatefulSet,
  says: (what, pod, set) => `${what === "created" ? "create" : "delete"} Pod ${pod} in StatefulSet ${nameOf(set)} successful`,
};

function planStatefulSet(question: Question): WorkloadPlan<StatefulSet> {
  const { owner, pods, clock } = question;
  const slots = slotsOf(owner, pods);
  const availability = availabilityOf(question);
  const moves = movesOf(question, { slots, isAvailable: availability.isAvailable });
  const status = statusOf(question, { slots, isAvailable: availability.isAvailable });
  return {
    create: moves.create.map((ordinal) => newPod(question, ordinal)),
    remove: moves.remove,
    says: moves.remove.filter(hasEnded).map((pod) => recreating(owner, pod)),
    next: { ...owner, status },
    templates: keptTemplates(question, status),
    dueMs: earliest(availability.dueMs.filter((ms) => ms > clock.wallMs())),
  };
}

interface Availability {
  readonly slots: Slots;
  readonly isAvailable: (pod: Pod) => boolean;
}

function availabilityOf({ owner, pods, clock }: Question) {
  const minReadyMs = clock.timerMs(owner.spec?.minReadySeconds ?? 0);
  const fromMs = new Map(pods.map((pod) => [pod, availableFromMs(pod, minReadyMs) ?? Number.POSITIVE_INFINITY]));
  const isAvailable = (pod: Pod) => !isEnding(pod) && (fromMs.get(pod) ?? Number.POSITIVE_INFINITY) <= clock.wallMs();
  return { isAvailable, dueMs: [...fromMs.values()] };
}

interface Moves {
  readonly create: readonly number[];
  readonly remove: readonly Pod[];
}

function movesOf(question: Question, { slots, isAvailable }: Availability): Moves {
  const { owner, canCreate } = question;
  const isOrdered = owner.spec?.podManagementPolicy !== "Parallel";
  const create: number[] = [];
  const remove: Pod[] = [];
  for (const { ordinal, pod } of slots.wanted) {
    if (pod === undefined) {
      if (canCreate) create.push(ordinal);
    } else if (hasEnded(pod) && !isEnding(pod)) remove.push(pod);
    else if (isAvailable(pod)) continue;
    if (isOrdered) return { create, remove };
  }
  for (const pod of slots.surplus) {
    if (!isEnding(pod)) remove.push(pod);
    if (isOrdered) return { create, remove };
  }
  return { create, remove: [...remove, ...outdated(question, { slots, isAvailable })] };
}

/** Old pods that may end now, so that new ones take their place. */
function outdated({ owner }: Question, { slots, isAvailable }: Availability): readonly Pod[] {
  const { updateStrategy, replicas = 1 } = owner.spec ?? {};
  if (updateStrategy?.type === "OnDelete") return [];
  const { maxUnavailable = 1 } = updateStrategy?.rollingUpdate ?? {};
  const bound = Math.max(1, scaledValue(maxUnavailable, replicas, "down"));
  const missing = slots.wanted.filter(({ pod }) => pod === undefined || !isAvailable(pod)).length;
  const revision = updateRevision(owner);
  const old = slots.wanted.flatMap(({ ordinal, pod }) =>
    pod !== undefined && !isBelowPartition(owner, ordinal) && !isEnding(pod) && revisionOf(pod) !== revision ? [pod] : [],
  );
  return old.reverse().slice(0, Math.max(0, bound - missing));
}

function statusOf({ owner }: Question, { slots, isAvailable }: Availability): StatefulSetStatus {
  const present = [...slots.wanted.flatMap(({ pod }) => pod ?? []), ...slots.surplus];
  const standing = present.filter((pod) => !isEnding(pod));
  const revision = updateRevision(owner);
  const updated = standing.filter((pod) => revisionOf(pod) === revision).length;
  const { replicas: wanted = 1 } = owner.spec ?? {};
  const ready = standing.filter(isReady).length;
  const isDone = updated === wanted && ready === wanted && present.length === wanted;
  const before = owner.status?.currentRevision || revision;
  const currentRevision = isDone ? revision : before;
  return {
    observedGeneration: owner.metadata?.generation,
    replicas: present.length,
    readyReplicas: ready,
    currentReplicas: standing.filter((pod) => revisionOf(pod) === currentRevision).length,
    updatedReplicas: updated,
    currentRevision,
    updateRevision: revision,
    availableReplicas: standing.filter(isAvailable).length,
    conditions: owner.status?.conditions ?? [],
  };
}

function keptTemplates({ owner, templates }: Question, { currentRevision = "" }: StatefulSetStatus) {
  const kept = new Map([[updateRevision(owner), owner.spec?.template ?? noTemplate]]);
  const current = templates.get(currentRevision);
  if (current !== undefined) kept.set(currentRevision, current);
  return kept;
}

const noTemplate: PodTemplateSpec = { metadata: undefined, spec: undefined };

function newPod({ owner, templates }: Question, ordinal: number): NewPod {
  const name = `${nameOf(owner)}-${ordinal}`;
  const before = isBelowPartition(owner, ordinal) ? owner.status?.currentRevision : undefined;
  const revision = before !== undefined && templates.has(before) ? before : updateRevision(owner);
  const template = templates.get(revision) ?? owner.spec?.template ?? noTemplate;
  const own = { [podNameLabel]: name, [podIndexLabel]: String(ordinal), [revisionLabel]: revision };
  const metadata = { name, labels: { ...template.metadata?.labels, ...own } };
  if (template.spec === undefined) return { template, metadata };
  return { template: { ...template, spec: { ...template.spec, hostname: name, subdomain: owner.spec?.serviceName } }, metadata };
}

function isBelowPartition({ spec }: StatefulSet, ordinal: number): boolean {
  return ordinal < (spec?.ordinals?.start ?? 0) + (spec?.updateStrategy?.rollingUpdate?.partition ?? 0);
}

function recreating(set: StatefulSet, pod: Pod): Saying {
  const message = `StatefulSet ${metadataOf(set).namespace}/${nameOf(set)} is recreating failed Pod ${nameOf(pod)}`;
  return { type: "Warning", reason: "RecreatingFailedPod", message };
}

function updateRevision(set: StatefulSet): string {
  return `${nameOf(set)}-${templateHash(set.spec?.template, undefined)}`;
}

function revisionOf({ metadata }: Pod): string | undefined {
  return metadata?.labels[revisionLabel];
}

function isEnding({ metadata }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined;
}
