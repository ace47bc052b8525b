/* What a node's proxy serves: each port of each Service, where it is reached, and who takes its traffic. Pure. */

import type { EndpointSlice, Service, ServicePort, ServiceSpec } from "#proto/podwire/v1/resources.ts";
import { type Ipv4, parseIpv4 } from "../ipv4.ts";
import { choose, type Target, type Viewpoint } from "./endpoint-choice.ts";
import { backendsByPort, type PortIdentity, slicesByService } from "./endpoint-merge.ts";
import { headlessLabel, otherProxyLabel } from "./labels.ts";
import { clusterIpOf, hasHealthCheckPort, hasNodePorts, serviceTypeOf } from "./service-type.ts";

export type TrafficPolicy = "Cluster" | "Local";

export interface ProxiedPort {
  readonly namespace: string;
  readonly service: string;
  /** namespace/service/protocol/port, the port by its name where it has one. No two are alike. */
  readonly key: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  readonly clusterAddress: Ipv4;
  readonly balancerAddresses: readonly Ipv4[];
  readonly nodePort: number | undefined;
  /** How long a client is remembered; undefined where it is not. */
  readonly affinitySeconds: number | undefined;
  /** For what comes to the cluster's address. */
  readonly internalPolicy: TrafficPolicy;
  /** For what comes to a balancer's address or a node's port. */
  readonly externalPolicy: TrafficPolicy;
  readonly targets: Readonly<Record<TrafficPolicy, Target>>;
  /** `address:port` of whoever serves, those that end too: flows to them may go on. */
  readonly serving: ReadonlySet<string>;
}

/** A Service whose nodes tell a load balancer how many endpoints they have. */
export interface HealthChecked {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
  /** Ready ones; those that end don't count. */
  readonly localEndpoints: number;
}

export interface ProxyView extends Viewpoint {
  readonly services: ReadonlyMap<string, Service>;
  readonly endpointSlices: ReadonlyMap<string, EndpointSlice>;
}

/** In the order of `services`. Headless Services and ExternalNames have nothing to serve, and some are another proxy's. */
export function proxiedPorts(view: ProxyView): ProxiedPort[] {
  return createPortReader()(view);
}

/** For views that follow each other: a Service that did not change, nor its slices, keeps its ports, the same objects. */
export function createPortReader(): (view: ProxyView) => ProxiedPort[] {
  let known = new Map<string, KnownPorts>();
  return ({ services, endpointSlices, nodeName, zone }) => {
    const slicesOf = slicesByService(endpointSlices.values());
    const now = new Map<string, KnownPorts>();
    for (const [key, service] of services) {
      if (!isOurs(service)) continue;
      const from = [service, nodeName, zone, ...(slicesOf.get(key) ?? [])];
      const before = known.get(key);
      const isSame = before?.from.length === from.length && before.from.every((part, i) => part === from[i]);
      now.set(key, isSame ? before : { from, ports: portsOf(service, slicesOf.get(key) ?? [], { nodeName, zone }) });
    }
    known = now;
    return [...now.values()].flatMap(({ ports }) => ports);
  };
}

interface KnownPorts {
  /** All that they follow from. */
  readonly from: readonly unknown[];
  readonly ports: readonly ProxiedPort[];
}

export function healthChecked({ services, endpointSlices, nodeName }: ProxyView): HealthChecked[] {
  const checked = [...services].filter(([, { spec }]) => spec !== undefined && hasHealthCheckPort(spec));
  if (checked.length === 0) return [];
  const slicesOf = slicesByService(endpointSlices.values());
  return checked.flatMap(([key, service]) => {
    const { metadata, spec } = service;
    const port = spec?.healthCheckNodePort ?? 0;
    if (port === 0 || !isOurs(service)) return [];
    const backendsOf = backendsByPort(slicesOf.get(key) ?? []);
    const here = (spec?.ports ?? [])
      .flatMap((one) => backendsOf(identityOf(one)))
      .filter((backend) => backend.ready && backend.nodeName === nodeName);
    const localEndpoints = new Set(here.map(({ address }) => address)).size;
    return [{ namespace: metadata?.namespace ?? "", service: metadata?.name ?? "", port, localEndpoints }];
  });
}

function isOurs({ metadata, spec }: Service): boolean {
  const labels = metadata?.labels ?? {};
  if (labels[otherProxyLabel] !== undefined || labels[headlessLabel] !== undefined) return false;
  return serviceTypeOf(spec).hasAddress && clusterIpOf({ spec }) !== undefined;
}

function portsOf(service: Service, slices: readonly EndpointSlice[], viewpoint: Viewpoint): ProxiedPort[] {
  const { metadata, spec } = service;
  const address = clusterIpOf(service);
  if (spec === undefined || address === undefined) return [];
  const [namespace, name] = [metadata?.namespace ?? "", metadata?.name ?? ""];
  const { isExternal } = serviceTypeOf(spec);
  const backendsOf = backendsByPort(slices);
  const whole = {
    namespace,
    service: name,
    clusterAddress: parseIpv4(address),
    balancerAddresses: ingressOf(service),
    affinitySeconds: affinityOf(spec),
    internalPolicy: policyOf(spec.internalTrafficPolicy),
    externalPolicy: isExternal ? policyOf(spec.externalTrafficPolicy) : "Cluster",
  } as const;
  return spec.ports.map((port): ProxiedPort => {
    const identity = identityOf(port);
    return {
      ...whole,
      key: `${namespace}/${name}/${identity.protocol}/${identity.portName || port.port}`,
      protocol: identity.protocol,
      port: port.port ?? 0,
      nodePort: hasNodePorts(spec) ? port.nodePort : undefined,
      ...choose(backendsOf(identity), viewpoint),
    };
  });
}

function identityOf({ name = "", protocol }: ServicePort): PortIdentity {
  return { portName: name, protocol: protocol === "UDP" ? "udp" : "tcp" };
}

function ingressOf({ spec, status }: Service): Ipv4[] {
  if (!serviceTypeOf(spec).hasBalancer) return [];
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = "" }) => (ip === "" ? [] : [parseIpv4(ip)]));
}

function affinityOf({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): number | undefined {
  return sessionAffinity === "ClientIP" ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined;
}

function policyOf(text: string | undefined): TrafficPolicy {
  return text === "Local" ? "Local" : "Cluster";
}
