import type { Clock } from "#core/clock.ts";
import { timestamp } from "#core/clock.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { qosClassOf } from "#core/objects/pod-resources.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import type { ClaimContext } from "../ipam/service-claims.ts";
import { metadataOf, putObject } from "../state/objects.ts";
import { admit } from "./admission.ts";
import type { Document } from "./documents.ts";
import { alreadyExists } from "./refusals.ts";
import type { Planner, StepOrProblems } from "./write.ts";

export interface Making {
  readonly ids: Ids;
  readonly clock: Clock;
}

export function planCreate(making: Making): Planner {
  return (document, claims) => {
    const step = createStep(document, making, claims);
    if ("problems" in step) return step;
    const { namespace, name = "" } = metadataOf(step.object);
    if (claims.store.get(keyOf(document.kind, namespace, name)) !== undefined) throw alreadyExists(document.kind, name);
    return step;
  };
}

/** A new object; the commit checks that its name is still free. */
export function createStep({ kind, object, warnings }: Document, { ids, clock }: Making, claims: ClaimContext): StepOrProblems {
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
  const admitted = admit(kind, { next: made }, claims);
  if ("problems" in admitted) return admitted;
  return {
    action: "created",
    kind,
    object: admitted.object,
    checks: [{ key: keyOf(kind, given.namespace, name), is: "absent" }, ...admitted.checks],
    writes: [putObject(kind, admitted.object), ...admitted.writes],
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
  PodDisruptionBudget: (object: ApiObject) => withStatus(object, { disruptedPods: {}, conditions: [] }),
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

function withStatus(object: ApiObject, status: object): Start {
  return { object: { ...object, status } as ApiObject, warnings: [] };
}
