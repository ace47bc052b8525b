/* What the cluster itself has to say of an object that is about to be written, beside its kind's own rules: what it gets and holds
 * alone, and what its fields must not lead to. By kind; a kind that is not here gets and holds nothing. */

import { cidrContains, formatCidr } from "#core/cidr.ts";
import { readIpv4 } from "#core/ipv4.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { ApiObject, Kind, Problem } from "#core/objects/kind.ts";
import { invalidValue } from "#core/objects/problem.ts";
import { serviceKind } from "#core/objects/service.ts";
import { statefulSetKind } from "#core/objects/stateful-set.ts";
import type { EndpointSlice, Service, StatefulSet } from "#proto/podwire/v1/resources.ts";
import { type ClaimContext, claimFor, releaseClaims } from "../ipam/service-claims.ts";
import type { Check, Write } from "../store/store.ts";
import { templateKey } from "../workloads/kept-templates.ts";

export type Admitted =
  | { readonly object: ApiObject; readonly checks: readonly Check[]; readonly writes: readonly Write[] }
  | { readonly problems: readonly Problem[] };

interface Admission<T extends ApiObject> {
  admit(next: T, previous: T | undefined, context: ClaimContext): Admitted;
  /** What goes with the object. */
  release(object: T): readonly Write[];
}

const service: Admission<Service> = { admit: claimFor, release: releaseClaims };
const endpointSlice: Admission<EndpointSlice> = { admit: refuseVirtual, release: () => [] };

const statefulSet: Admission<StatefulSet> = {
  admit: (object) => ({ object, checks: [], writes: [] }),
  release: (set) =>
    [...new Set([set.status?.currentRevision, set.status?.updateRevision])].flatMap((revision) =>
      revision === undefined ? [] : [{ type: "delete", key: templateKey(statefulSetKind, set, revision) }],
    ),
};

const byKind: Readonly<Record<string, Admission<never>>> = {
  [serviceKind.kind]: service,
  [endpointSliceKind.kind]: endpointSlice,
  [statefulSetKind.kind]: statefulSet,
};

interface Change {
  readonly next: ApiObject;
  /** Absent for a new object. */
  readonly previous?: ApiObject;
}

export function admit(kind: Kind, { next, previous }: Change, context: ClaimContext): Admitted {
  const admission = byKind[kind.kind] as Admission<ApiObject> | undefined;
  return admission?.admit(next, previous, context) ?? { object: next, checks: [], writes: [] };
}

export function releasedBy(kind: Kind, object: ApiObject): readonly Write[] {
  return (byKind[kind.kind] as Admission<ApiObject> | undefined)?.release(object) ?? [];
}

/** Behind a virtual address must be a real one (GHSA-mfv7-gq43-w965). */
function refuseVirtual(next: EndpointSlice, _previous: EndpointSlice | undefined, { ranges }: ClaimContext): Admitted {
  const virtual = [ranges.serviceCidr, ranges.balancerCidr];
  const problems = next.endpoints.flatMap(({ addresses }, i) =>
    addresses.flatMap((text, j) => {
      const address = readIpv4(text);
      const range = virtual.find((cidr) => address !== undefined && cidrContains(cidr, address));
      if (range === undefined) return [];
      const detail = `may not be in the range of Services' own addresses (${formatCidr(range)})`;
      return [invalidValue(`endpoints[${i}].addresses[${j}]`, text, detail)];
    }),
  );
  return problems.length > 0 ? { problems } : { object: next, checks: [], writes: [] };
}
