/* The Services that a cluster has from its start on, and gets again where somebody deletes them: `kubernetes`, which leads to the
 * control plane, and `kube-dns`, whose address the nodes themselves answer. */

import { type Clock, timestamp } from "#core/clock.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4, readIpv4 } from "#core/ipv4.ts";
import { jsonEqual } from "#core/json.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { keyOf } from "#core/objects/kinds.ts";
import { serviceKind } from "#core/objects/service.ts";
import type { Rng } from "#core/rng.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import { apiAddress, dnsAddress } from "#core/services/service-range.ts";
import type { EndpointSlice, Service } from "#proto/podwire/v1/resources.ts";
import type { Ids } from "../ids.ts";
import { claimFor, type ServiceRanges } from "../ipam/service-claims.ts";
import type { Loop } from "../state/follow.ts";
import { findObject, metadataOf, putObject, retryConflicts, unchanged } from "../state/objects.ts";
import type { Commit, Store } from "../store/store.ts";

export interface FirstServicesContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly ids: Ids;
  readonly ranges: ServiceRanges;
  /** `HOST:PORT` of the control plane, where there is one that pods can reach. */
  readonly endpoint: () => string | undefined;
}

export function firstServices(context: FirstServicesContext): Loop {
  return {
    name: "first services",
    prefixes: ["services/default/kubernetes", "services/kube-system/kube-dns", "endpointslices/default/kubernetes"],
    async run() {
      for (const manifest of servicesOf(context.ranges)) await ensureService(context, manifest);
      await ensureEndpoint(context);
      return undefined;
    },
  };
}

function servicesOf({ serviceCidr }: ServiceRanges): Service[] {
  return [
    serviceOf({
      metadata: { name: "kubernetes", namespace: "default", labels: { component: "apiserver", provider: "kubernetes" } },
      spec: { clusterIP: formatIpv4(apiAddress(serviceCidr)), ports: [{ name: "https", port: 443, targetPort: 443 }] },
    }),
    serviceOf({
      metadata: {
        name: "kube-dns",
        namespace: "kube-system",
        labels: { "k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS" },
      },
      spec: {
        clusterIP: formatIpv4(dnsAddress(serviceCidr)),
        ports: [
          { name: "dns", port: 53, protocol: "UDP" },
          { name: "dns-tcp", port: 53, protocol: "TCP" },
        ],
      },
    }),
  ];
}

function serviceOf(json: object): Service {
  return serviceKind.withDefaults(serviceKind.fromJson(json));
}

async function ensureService(context: FirstServicesContext, service: Service): Promise<void> {
  const { store, rng, ranges } = context;
  await retryConflicts(async () => {
    const { namespace, name = "" } = metadataOf(service);
    if (findObject(store, serviceKind, { namespace, name }) !== undefined) return;
    const claim = claimFor(begun(service, context), undefined, { store, rng, ranges, claimed: new Set() });
    // A user's Service has the address: that one must go first, and says so in this loop's log.
    if ("problems" in claim) throw new AppError("failed-precondition", `${namespace}/${name}: ${claim.problems[0]?.message}`);
    await store.commit(creation(serviceKind, claim.object, claim));
  });
}

/** The slice that leads to the control plane. */
async function ensureEndpoint(context: FirstServicesContext): Promise<void> {
  const { store, endpoint } = context;
  const wanted = sliceOf(endpoint());
  await retryConflicts(async () => {
    const found = findObject(store, endpointSliceKind, { namespace: "default", name: "kubernetes" });
    if (found === undefined) {
      await store.commit(creation(endpointSliceKind, begun(wanted, context)));
      return;
    }
    const next: EndpointSlice = { ...wanted, metadata: found.object.metadata };
    if (jsonEqual(endpointSliceKind.toJson(next), endpointSliceKind.toJson(found.object))) return;
    await store.commit({ checks: [unchanged(found.entry)], writes: [putObject(endpointSliceKind, next)] });
  });
}

function sliceOf(endpoint: string | undefined): EndpointSlice {
  const colon = endpoint?.lastIndexOf(":") ?? -1;
  const address = reachable(endpoint?.slice(0, colon));
  return endpointSliceKind.withDefaults(
    endpointSliceKind.fromJson({
      metadata: { name: "kubernetes", namespace: "default", labels: { [serviceNameLabel]: "kubernetes" } },
      addressType: "IPv4",
      endpoints: address === undefined ? [] : [{ addresses: [address], conditions: { ready: true } }],
      ports: address === undefined ? [] : [{ name: "https", port: Number(endpoint?.slice(colon + 1)), protocol: "TCP" }],
    }),
  );
}

/** An address that others than the control plane's own host can mean. */
function reachable(host: string | undefined): string | undefined {
  if (host === undefined || readIpv4(host) === undefined) return undefined;
  return /^(0|127)\./.test(host) ? undefined : host;
}

function begun<T extends ApiObject>(object: T, { ids, clock }: FirstServicesContext): T {
  const metadata = { ...metadataOf(object), uid: ids.uid(), generation: 1, creationTimestamp: timestamp(clock) };
  return { ...object, metadata };
}

function creation<T extends ApiObject>(kind: Kind<T>, object: T, more: Partial<Commit> = {}): Commit {
  const { namespace, name = "" } = metadataOf(object);
  return {
    checks: [{ key: keyOf(kind, namespace, name), is: "absent" }, ...(more.checks ?? [])],
    writes: [putObject(kind, object), ...(more.writes ?? [])],
  };
}
