/* How far a rollout is, in kubectl's words. Pure. A new kind is a function here and a line in the table. */

import type { ApiObject } from "#core/objects/kind.ts";
import { revisionOf } from "#core/rollout.ts";
import type { DaemonSet, Deployment, StatefulSet } from "#proto/podwire/v1/resources.ts";

export type RolloutStatus =
  | { readonly state: "waiting" | "done"; readonly text: string }
  /** It won't get further by itself. */
  | { readonly state: "failed"; readonly text: string };

const byKind: Readonly<Record<string, (object: never) => RolloutStatus>> = {
  DaemonSet: daemonSetRollout,
  Deployment: deploymentRollout,
  StatefulSet: statefulSetRollout,
};

/** Undefined where the kind has no rollouts. */
export function rolloutStatusOf(kind: string): ((object: ApiObject) => RolloutStatus) | undefined {
  return byKind[kind] as ((object: ApiObject) => RolloutStatus) | undefined;
}

function deploymentRollout({ metadata, spec, status }: Deployment): RolloutStatus {
  const waiting = (text: string): RolloutStatus => ({ state: "waiting", text });
  const name = JSON.stringify(metadata?.name);
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0)) {
    return waiting("Waiting for deployment spec update to be observed...");
  }
  if (status?.conditions.some(({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded")) {
    return { state: "failed", text: `deployment ${name} exceeded its progress deadline` };
  }
  const { updatedReplicas: updated = 0, replicas = 0, availableReplicas: available = 0 } = status ?? {};
  const wanted = spec?.replicas ?? 1;
  const start = `Waiting for deployment ${name} rollout to finish:`;
  if (updated < wanted) return waiting(`${start} ${updated} out of ${wanted} new replicas have been updated...`);
  if (replicas > updated) return waiting(`${start} ${replicas - updated} old replicas are pending termination...`);
  if (available < updated) return waiting(`${start} ${available} of ${updated} updated replicas are available...`);
  return { state: "done", text: `deployment ${name} successfully rolled out` };
}

const unobservable: RolloutStatus = {
  state: "failed",
  text: "rollout status is only available for RollingUpdate strategy type",
};

function statefulSetRollout({ metadata, spec, status }: StatefulSet): RolloutStatus {
  const waiting = (text: string): RolloutStatus => ({ state: "waiting", text });
  if (spec?.updateStrategy?.type !== "RollingUpdate") return unobservable;
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0)) {
    return waiting("Waiting for statefulset spec update to be observed...");
  }
  const { readyReplicas: ready = 0, updatedReplicas: updated = 0 } = status ?? {};
  const { replicas: wanted = 1 } = spec;
  if (ready < wanted) return waiting(`Waiting for ${wanted - ready} pods to be ready...`);
  const touched = Math.max(0, wanted - (spec.updateStrategy.rollingUpdate?.partition ?? 0));
  if (updated < touched) {
    return waiting(`Waiting for partitioned roll out to finish: ${updated} out of ${touched} new pods have been updated...`);
  }
  return { state: "done", text: `partitioned roll out complete: ${updated} new pods have been updated...` };
}

function daemonSetRollout({ metadata, spec, status }: DaemonSet): RolloutStatus {
  const waiting = (text: string): RolloutStatus => ({ state: "waiting", text });
  if (spec?.updateStrategy?.type !== "RollingUpdate") return unobservable;
  if ((metadata?.generation ?? 0) > (status?.observedGeneration ?? 0)) {
    return waiting("Waiting for daemon set spec update to be observed...");
  }
  const {
    desiredNumberScheduled: wanted = 0,
    updatedNumberScheduled: updated = 0,
    numberAvailable: available = 0,
  } = status ?? {};
  const name = JSON.stringify(metadata?.name);
  const start = `Waiting for daemon set ${name} rollout to finish:`;
  if (updated < wanted) return waiting(`${start} ${updated} out of ${wanted} new pods have been updated...`);
  if (available < wanted) return waiting(`${start} ${available} of ${wanted} updated pods are available...`);
  return { state: "done", text: `daemon set ${name} successfully rolled out` };
}

/** What is wrong with waiting for `revision`. */
export function revisionProblem(object: ApiObject, revision: number): string | undefined {
  const running = revisionOf(object);
  return running === revision ? undefined : `desired revision (${revision}) is different from the running revision (${running})`;
}
