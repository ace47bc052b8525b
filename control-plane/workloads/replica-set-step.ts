/* One ReplicaSet's next step as one commit: its pods and its status change together or not at all. */

import { type Clock, timestamp } from "#core/clock.ts";
import type { Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { podKind } from "#core/objects/pod.ts";
import { formatProblem } from "#core/objects/problem.ts";
import { replicaSetKind } from "#core/objects/replica-set.ts";
import type { Pod, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { recommendedTo } from "../autoscaling/vertical/for-owner.ts";
import { type EventRecorder, referenceTo } from "../events/recorder.ts";
import type { Ids } from "../ids.ts";
import { endingOf } from "../server/delete.ts";
import { type Found, nameOf, putObject, sameObject, unchanged } from "../state/objects.ts";
import type { Check, Store, Write } from "../store/store.ts";
import type { Step } from "./commits.ts";
import { openNamespace } from "./open-namespace.ts";
import { controllerReference, withOwner, withoutOwners } from "./owners.ts";
import { type Creation, planReplicaSet, type ReplicaSetPlan } from "./plan-replica-set.ts";
import { podFromTemplate } from "./pod-from-template.ts";

export interface ReplicaSetInput {
  readonly set: Found<ReplicaSet>;
  readonly candidates: readonly Found<Pod>[];
  readonly related: readonly Pod[];
}

export interface ReplicaSetContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: EventRecorder;
}

export interface ReplicaSetStep extends Step {
  /** When time alone asks for the next one. */
  readonly dueMs: number | undefined;
}

export function replicaSetStep({ set, candidates, related }: ReplicaSetInput, context: ReplicaSetContext): ReplicaSetStep {
  const { store, clock } = context;
  const entries = new Map(candidates.map(({ object, entry }) => [object, entry]));
  const home = openNamespace(store, set.object.metadata?.namespace);
  const plan = (creation: Creation) =>
    planReplicaSet({
      ...{ set: set.object, related, creation, now: timestamp(clock), nowMs: clock.wallMs() },
      minReadyMs: clock.timerMs(set.object.spec?.minReadySeconds ?? 0),
      candidates: [...entries.keys()],
    });
  const hoped = plan({ state: home === undefined ? "closed" : "open" });
  const made = makePods(set.object, hoped.createCount, context);
  const { adopt, release, remove, status, dueMs } = made.ok ? hoped : plan({ state: "failed", message: made.message });
  const pods = made.ok ? made.pods : [];
  const next = { ...set.object, status };
  const checks: Check[] = [
    unchanged(set.entry),
    ...[...new Set([...adopt, ...release, ...remove].flatMap((pod) => entries.get(pod) ?? []))].map(unchanged),
    ...(pods.length > 0 && home !== undefined ? [unchanged(home.entry)] : []),
    ...pods.map((pod) => ({ key: keyOf(podKind, pod.metadata?.namespace, nameOf(pod)), is: "absent" }) as const),
  ];
  const writes: Write[] = [
    ...pods.map((pod) => putObject(podKind, pod)),
    ...podWrites({ adopt, release, remove }, set.object, context),
    ...(sameObject(replicaSetKind, next, set.object) ? [] : [putObject(replicaSetKind, next)]),
  ];
  return {
    commit: { checks, writes },
    dueMs,
    done() {
      const tell = (type: "Normal" | "Warning", reason: string, message: string) => {
        const about = referenceTo(replicaSetKind, set.object);
        context.events.record({ about, type, reason, message, component: "replicaset-controller" });
      };
      for (const pod of pods) tell("Normal", "SuccessfulCreate", `Created pod: ${nameOf(pod)}`);
      for (const pod of remove) tell("Normal", "SuccessfulDelete", `Deleted pod: ${nameOf(pod)}`);
      if (!made.ok) tell("Warning", "FailedCreate", `Error creating: ${made.message}`);
    },
  };
}

type MadePods =
  | { readonly ok: true; readonly pods: readonly Pod[] }
  /** One template: what is wrong with one pod is wrong with all. */
  | { readonly ok: false; readonly message: string };

function makePods(owner: ReplicaSet, count: number, { store, ids, clock }: ReplicaSetContext): MadePods {
  if (count === 0) return { ok: true, pods: [] };
  const pods = new Map<string, Pod>();
  const spec = recommendedTo(store, replicaSetKind, owner);
  while (pods.size < count) {
    const template = owner.spec?.template ?? { metadata: undefined, spec: undefined };
    const made = podFromTemplate({ kind: replicaSetKind, owner, template, spec }, { ids, clock });
    if (!made.ok) {
      return { ok: false, message: `Pod "${nameOf(owner)}-" is invalid: ${made.problems.map(formatProblem).join(", ")}` };
    }
    pods.set(nameOf(made.pod), made.pod);
  }
  return { ok: true, pods: [...pods.values()] };
}

function podWrites(
  { adopt, release, remove }: Pick<ReplicaSetPlan, "adopt" | "release" | "remove">,
  set: ReplicaSet,
  { store, clock }: ReplicaSetContext,
): readonly Write[] {
  const owner = controllerReference(replicaSetKind, set);
  const adopted = new Set(adopt);
  const own = (pod: Pod) => (adopted.has(pod) ? withOwner(pod, owner) : pod);
  const removed = new Set(remove);
  const ending = { store, nowMs: clock.wallMs(), gracePeriodSeconds: undefined };
  return [
    ...remove.flatMap((pod) => endingOf(podKind as unknown as Kind, own(pod), ending).writes),
    ...adopt.filter((pod) => !removed.has(pod)).map((pod) => putObject(podKind, own(pod))),
    ...release.map((pod) => putObject(podKind, withoutOwners(pod, new Set([owner.uid ?? ""])))),
  ];
}
