/* How a Service's EndpointSlices become what they must be, with as few changes as can be: every node gets every slice that changes.
 * An endpoint stays in the slice that has it; new ones fill slices that have room; a slice that lost its last one goes, but for the
 * very last, which says that there is none. Pure. */

import { jsonEqual } from "#core/json.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import { managedByLabel, serviceNameLabel } from "#core/services/labels.ts";
import type { Endpoint, EndpointSlice, ObjectMeta, Service } from "#proto/podwire/v1/resources.ts";
import { type EndpointGroup, sliceLabels } from "./wanted-endpoints.ts";

export const managedBy = "endpointslice-controller.k8s.io";
export const endpointsPerSlice = 100;

export interface SlicePlan {
  /** Without names. */
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export interface SliceQuestion {
  readonly service: Service;
  readonly groups: readonly EndpointGroup[];
  /** The Service's managed slices as they are. */
  readonly slices: readonly EndpointSlice[];
}

export function planSlices({ service, groups, slices }: SliceQuestion): SlicePlan {
  const filled = groups.flatMap((group) =>
    fill(
      group,
      slices.filter((slice) => samePorts(slice, group)),
    ),
  );
  const kept = new Set(filled.map(({ slice }) => slice));
  const spare = slices.filter((slice) => !kept.has(slice));
  // No endpoint at all: one empty slice tells that from "not looked at yet".
  const wanted: Filled[] = filled.length > 0 ? filled : [{ slice: undefined, ports: [], endpoints: [] }];
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  for (const { slice = spare.shift(), ports, endpoints } of wanted) {
    const next: EndpointSlice = {
      apiVersion: endpointSliceKind.apiVersion,
      kind: endpointSliceKind.kind,
      addressType: "IPv4",
      ...slice,
      metadata: metadataFor(service, slice?.metadata),
      ports: [...ports],
      endpoints: [...endpoints],
    };
    if (slice === undefined) create.push(next);
    else if (!jsonEqual(endpointSliceKind.toJson(next), endpointSliceKind.toJson(slice))) update.push(next);
  }
  return { create, update, remove: spare };
}

interface Filled extends EndpointGroup {
  /** Absent where another one is needed. */
  readonly slice: EndpointSlice | undefined;
}

function fill({ ports, endpoints }: EndpointGroup, slices: readonly EndpointSlice[]): Filled[] {
  const left = new Map(endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const filled = slices.map((slice) => {
    const kept: Endpoint[] = [];
    for (const endpoint of slice.endpoints) {
      const now = left.get(identityOf(endpoint));
      if (now === undefined || kept.length === endpointsPerSlice) continue;
      left.delete(identityOf(endpoint));
      kept.push(now);
    }
    return { slice, ports, endpoints: kept };
  });
  const fresh = [...left.values()];
  for (const { endpoints: kept } of filled) {
    if (kept.length > 0) kept.push(...fresh.splice(0, endpointsPerSlice - kept.length));
  }
  const result: Filled[] = filled.filter(({ endpoints: kept }) => kept.length > 0);
  while (fresh.length > 0) result.push({ slice: undefined, ports, endpoints: fresh.splice(0, endpointsPerSlice) });
  return result;
}

/** A pod's uid and not its address, which another pod may have by now. */
function identityOf({ targetRef, addresses }: Endpoint): string {
  return `${targetRef?.uid} ${addresses[0]}`;
}

function samePorts(slice: EndpointSlice, { ports }: EndpointGroup): boolean {
  return jsonEqual(portsJson(slice.ports), portsJson(ports));
}

function portsJson(ports: EndpointGroup["ports"]): unknown {
  return endpointSliceKind.toJson({ ports: [...ports], endpoints: [] });
}

function metadataFor(service: Service, had: ObjectMeta | undefined): ObjectMeta {
  const { name = "", namespace, uid } = service.metadata ?? {};
  const owner = { apiVersion: "v1", kind: "Service", name, uid, controller: true, blockOwnerDeletion: true };
  return {
    ...emptyMetadata,
    generateName: `${name}-`,
    namespace,
    ...had,
    labels: { ...service.metadata?.labels, ...sliceLabels(service), [serviceNameLabel]: name, [managedByLabel]: managedBy },
    ownerReferences: [owner],
  };
}
