import type { Clock } from "#core/clock.ts";
import { timestamp } from "#core/clock.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { qosClassOf } from "#core/objects/pod-resources.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import { metadataOf, putObject } from "../state/objects.ts";
import type { Document } from "./documents.ts";
import { alreadyExists } from "./refusals.ts";
import type { Planner, Step } from "./write.ts";

export interface Making {
  readonly ids: Ids;
  readonly clock: Clock;
}

export function planCreate(making: Making): Planner {
  return (document, store) => {
    const step = createStep(document, making);
    const { namespace, name = "" } = metadataOf(step.object);
    if (store.get(keyOf(document.kind, namespace, name)) !== undefined) throw alreadyExists(document.kind, name);
    return step;
  };
}

/** A new object; the commit checks that its name is still free. */
export function createStep({ kind, object, warnings }: Document, { ids, clock }: Making): Step {
  const given = metadataOf(object);
  const name = given.name || `${given.generateName}${ids.nameSuffix()}`;
  const start = starts[kind.kind]?.(object as never) ?? { object, warnings: [] };
  const made: ApiObject = {
    ...start.object,
    metadata: {
      ...given,
      name,
      uid: ids.uid(),
      resourceVersion: undefined,
      generation: 1,
      creationTimestamp: timestamp(clock),
      deletionTimestamp: undefined,
      deletionGracePeriodSeconds: undefined,
    },
  };
  return {
    action: "created",
    kind,
    object: made,
    checks: [{ key: keyOf(kind, given.namespace, name), is: "absent" }],
    writes: [putObject(kind, made)],
    warnings: [...warnings, ...start.warnings],
  };
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
  Node: (object: ApiObject & { readonly spec?: { readonly podCIDR?: string; readonly podCIDRs: readonly string[] } }) => {
    const start = withStatus(object, { capacity: {}, allocatable: {}, conditions: [], addresses: [] });
    if ((object.spec?.podCIDR ?? "") === "") return start;
    return {
      object: { ...start.object, spec: { ...object.spec, podCIDR: undefined, podCIDRs: [] } } as ApiObject,
      warnings: ["spec.podCIDR: dropped: the control plane allocates it"],
    };
  },
};

function withStatus(object: ApiObject, status: object): Start {
  return { object: { ...object, status } as ApiObject, warnings: [] };
}
