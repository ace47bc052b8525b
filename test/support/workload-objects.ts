/* Pods as controllers see them. */

import type { Pod } from "#proto/podwire/v1/resources.ts";
import { podKind } from "../../core/objects/pod.ts";

export interface PodFacts {
  readonly labels?: Readonly<Record<string, string>>;
  /** Empty for one that isn't bound. */
  readonly node?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly readySince?: string;
  readonly restarts?: number;
  readonly created?: string;
  readonly cost?: number;
  readonly deleted?: boolean;
}

const start = "2026-01-01T00:00:00Z";

/** A pod that runs and is Ready, but for what `facts` say. */
export function runningPod(name: string, facts: PodFacts = {}): Pod {
  const { labels = {}, node = "node-1", phase = "Running", ready = true, readySince = start, restarts = 0, cost } = facts;
  return podKind.fromJson({
    metadata: {
      ...{ name, namespace: "default", uid: `uid-${name}`, labels, creationTimestamp: facts.created ?? start },
      ...(cost === undefined ? {} : { annotations: { "controller.kubernetes.io/pod-deletion-cost": String(cost) } }),
      ...(facts.deleted === true ? { deletionTimestamp: start } : {}),
    },
    spec: { ...(node === "" ? {} : { nodeName: node }), containers: [{ name: "main", image: "podwire/toolbox" }] },
    status: {
      phase,
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: readySince }],
      containerStatuses: [{ name: "main", restartCount: restarts }],
    },
  });
}

export function ownedBy(pod: Pod, uid: string): Pod {
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid, controller: true };
  return { ...pod, metadata: { ...(pod.metadata as NonNullable<Pod["metadata"]>), ownerReferences: [owner] } };
}
