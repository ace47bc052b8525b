/* What a ReplicaSet's pods and status become, as Kubernetes' replicaset controller decides it. Pure.
 *
 * The status tells of the pods as the plan leaves them and is written in the same commit: no reader ever sees more pods than
 * `status.replicas` says. */

import type { Condition, Pod, ReplicaSet, ReplicaSetStatus } from "#proto/podwire/v1/resources.ts";
import { isReady, setCondition } from "../state/conditions.ts";
import { claim } from "./claims.ts";
import { inDeletionOrder } from "./deletion-order.ts";
import { availableFromMs, isActive } from "./pod-state.ts";

/** As many as Kubernetes makes at once. */
const createdAtOnceMax = 500;

/** Whether pods can be made now. */
export type Creation =
  | { readonly state: "open" }
  /** The namespace ends: nobody has to be told. */
  | { readonly state: "closed" }
  | { readonly state: "failed"; readonly message: string };

export interface ReplicaSetQuestion {
  readonly set: ReplicaSet;
  /** In its namespace: at least those that it controls and those that nobody does. */
  readonly candidates: readonly Pod[];
  /** Pods of the ReplicaSets that have the same controller. */
  readonly related: readonly Pod[];
  readonly creation: Creation;
  readonly now: string;
  readonly nowMs: number;
  /** How long a pod must be Ready to be available. */
  readonly minReadyMs: number;
}

export interface ReplicaSetPlan {
  readonly createCount: number;
  /** To be ended; adopted ones may be among them. */
  readonly remove: readonly Pod[];
  readonly adopt: readonly Pod[];
  readonly release: readonly Pod[];
  readonly status: ReplicaSetStatus;
  /** When a pod becomes available by nothing but time. */
  readonly dueMs: number | undefined;
}

export function planReplicaSet(question: ReplicaSetQuestion): ReplicaSetPlan {
  const { set, candidates, creation, related, nowMs, minReadyMs } = question;
  const { owned, adopt, release } = claim({
    owner: set,
    selector: set.spec?.selector,
    candidates: candidates.filter(isActive),
  });
  const active = [...owned, ...adopt];
  const wanted = set.metadata?.deletionTimestamp === undefined ? (set.spec?.replicas ?? 1) : active.length;
  const missing = Math.max(0, wanted - active.length);
  const createCount = creation.state === "open" ? Math.min(missing, createdAtOnceMax) : 0;
  const surplus = Math.max(0, active.length - wanted);
  const remove = surplus === 0 ? [] : inDeletionOrder({ pods: active, related: related.filter(isActive) }).slice(0, surplus);
  const left = active.filter((pod) => !remove.includes(pod));
  const availableMs = left.map((pod) => availableFromMs(pod, minReadyMs) ?? Number.POSITIVE_INFINITY);
  const dueMs = Math.min(...availableMs.filter((ms) => ms > nowMs));
  return {
    ...{ createCount, remove, adopt, release },
    status: {
      replicas: left.length + createCount,
      fullyLabeledReplicas: left.filter((pod) => hasTemplateLabels(pod, set)).length + createCount,
      readyReplicas: left.filter(isReady).length,
      availableReplicas: availableMs.filter((ms) => ms <= nowMs).length,
      observedGeneration: set.metadata?.generation,
      conditions: conditionsOf(question),
    },
    dueMs: dueMs === Number.POSITIVE_INFINITY ? undefined : dueMs,
  };
}

function hasTemplateLabels({ metadata }: Pod, { spec }: ReplicaSet): boolean {
  return Object.entries(spec?.template?.metadata?.labels ?? {}).every(([key, value]) => metadata?.labels[key] === value);
}

function conditionsOf({ set, creation, now }: ReplicaSetQuestion): Condition[] {
  const conditions = set.status?.conditions ?? [];
  if (creation.state !== "failed") return conditions.filter(({ type }) => type !== "ReplicaFailure");
  const wanted = { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: creation.message } as const;
  return [...setCondition(conditions, wanted, now)];
}
