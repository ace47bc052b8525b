/* What agents say of their pods. An agent speaks only for a pod that is bound to its node and has the uid that it names: anything else
 * is old news from a pod that is gone. */

import { type Clock, timestamp } from "#core/clock.ts";
import { jsonEqual } from "#core/json.ts";
import { podKind } from "#core/objects/pod.ts";
import { withReadinessGates } from "#core/objects/pod-readiness.ts";
import type { PodReport } from "#proto/podwire/v1/agent.ts";
import type { Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import { withTransitions } from "../state/conditions.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged } from "../state/objects.ts";
import type { Store } from "../store/store.ts";

interface ReportContext {
  readonly store: Store;
  readonly clock: Clock;
}

/** Answers false where the report was ignored. */
export function applyPodReport({ store, clock }: ReportContext, node: string, report: PodReport): Promise<boolean> {
  return retryConflicts(async () => {
    const found = findObject(store, podKind, report);
    if (found === undefined || found.object.spec?.nodeName !== node || found.object.metadata?.uid !== report.uid) return false;
    const next = afterReport(found.object, report, timestamp(clock));
    if (next === found.object) return true;
    const checks = [unchanged(found.entry)];
    if (next === undefined) await store.commit({ checks, writes: [{ type: "delete", key: found.key }] });
    else await store.commit({ checks, writes: [putObject(podKind, next)] });
    return true;
  });
}

/** The pod as the report leaves it: undefined where it leaves the store, the same object where nothing changed. */
function afterReport(pod: Pod, { status, gone }: PodReport, now: string): Pod | undefined {
  const metadata = metadataOf(pod);
  const ended = gone && metadata.deletionTimestamp !== undefined;
  if (ended && metadata.finalizers.length === 0) return undefined;
  const judged = withReadinessGates({
    ...pod,
    // Grace is over; whoever removes the last finalizer removes the pod.
    metadata: ended ? { ...metadata, deletionGracePeriodSeconds: 0 } : metadata,
    status: status === undefined ? pod.status : mergeStatus(pod.status, status),
  });
  const conditions = withTransitions(judged.status?.conditions ?? [], pod.status?.conditions ?? [], now);
  const next = judged.status === undefined ? judged : { ...judged, status: { ...judged.status, conditions } };
  return jsonEqual(podKind.toJson(next), podKind.toJson(pod)) ? pod : next;
}

/** The agent's word, and the conditions that are not the agent's: PodScheduled. */
function mergeStatus(current: PodStatus | undefined, reported: PodStatus): PodStatus {
  const named = new Set(reported.conditions.map(({ type }) => type));
  const others = current?.conditions.filter(({ type }) => !named.has(type)) ?? [];
  return {
    ...reported,
    startTime: reported.startTime ?? current?.startTime,
    qosClass: reported.qosClass ?? current?.qosClass,
    conditions: [...others, ...reported.conditions],
  };
}
