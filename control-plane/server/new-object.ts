/* What an object begins with, whoever makes it, a user or a controller: its name, its uid, its first status. */

import { type Clock, timestamp } from "#core/clock.ts";
import { jobKind, withSelector } from "#core/objects/job.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { qosClassOf } from "#core/objects/pod-resources.ts";
import type { Job, Pod } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import { metadataOf } from "../state/objects.ts";

export interface Making {
  readonly ids: Ids;
  readonly clock: Clock;
}

/** What of a prefix stays before the five characters that make it a name, as in Kubernetes. */
const prefixLengthMax = 58;

/** `wanted` has its kind's defaults. Whether the name is free, the commit must check. */
export function newObject(kind: Kind, wanted: ApiObject, { ids, clock }: Making): Start {
  const given = metadataOf(wanted);
  const start = starts[kind.kind]?.(wanted as never) ?? { object: wanted, warnings: [] };
  const metadata = {
    ...given,
    name: given.name || `${given.generateName?.slice(0, prefixLengthMax)}${ids.nameSuffix()}`,
    uid: ids.uid(),
    resourceVersion: undefined,
    generation: 1,
    creationTimestamp: timestamp(clock),
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  };
  const made = { ...start.object, metadata };
  const object = kind.kind === jobKind.kind ? withSelector(made as Job, metadata.uid) : made;
  return { object, warnings: start.warnings };
}

interface Start {
  readonly object: ApiObject;
  readonly warnings: readonly string[];
}

/** By kind: the status that an object begins with, and what its maker cannot decide. */
const starts: Readonly<Record<Kind["kind"], (object: never) => Start>> = {
  Namespace: (object: ApiObject) => withStatus(object, { phase: "Active", conditions: [] }),
  Pod: (object: Pod) =>
    withStatus(object, {
      phase: "Pending",
      conditions: [],
      hostIPs: [],
      podIPs: [],
      containerStatuses: [],
      initContainerStatuses: [],
      qosClass: qosClassOf(object),
    }),
  Deployment: (object: ApiObject) => withStatus(object, { conditions: [] }),
  StatefulSet: (object: ApiObject) => withStatus(object, { replicas: 0, availableReplicas: 0, conditions: [] }),
  DaemonSet: (object: ApiObject) => withStatus(object, { ...noDaemons, conditions: [] }),
  Job: (object: ApiObject) => withStatus(object, { conditions: [] }),
  ReplicaSet: (object: ApiObject) => withStatus(object, { replicas: 0, conditions: [] }),
  PodDisruptionBudget: (object: ApiObject) => withStatus(object, { disruptedPods: {}, conditions: [] }),
  HorizontalPodAutoscaler: (object: ApiObject) => withStatus(object, { desiredReplicas: 0, currentMetrics: [], conditions: [] }),
  VerticalPodAutoscaler: (object: ApiObject) => withStatus(object, { conditions: [] }),
  NodeGroup: (object: ApiObject) => withStatus(object, { removableNodes: [], conditions: [] }),
  Service: (object: ApiObject) => withStatus(object, { loadBalancer: { ingress: [] }, conditions: [] }),
  Node: (object: ApiObject & { readonly spec?: { readonly podCIDR?: string; readonly podCIDRs: readonly string[] } }) => {
    const start = withStatus(object, { capacity: {}, allocatable: {}, conditions: [], addresses: [] });
    if ((object.spec?.podCIDR ?? "") === "") return start;
    return {
      object: { ...start.object, spec: { ...object.spec, podCIDR: undefined, podCIDRs: [] } } as ApiObject,
      warnings: ["spec.podCIDR: dropped: the control plane allocates it"],
    };
  },
};

const noDaemons = { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 };

function withStatus(object: ApiObject, status: object): Start {
  return { object: { ...object, status } as ApiObject, warnings: [] };
}
