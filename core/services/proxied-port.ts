/* What a node's proxy serves: each port of each Service, where it is reached, and who takes its traffic. Pure. */

import type { EndpointSlice, Service, ServicePort, ServiceSpec } from "#proto/podwire/v1/resources.ts";
import { type Ipv4, parseIpv4 } from "../ipv4.ts";
import { choose, type Target, type Viewpoint } from "./endpoint-choice.ts";
import { type BackendsOf, backendsByPort, type PortIdentity } from "./endpoint-merge.ts";
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
export function proxiedPorts({ services, endpointSlices, nodeName, zone }: ProxyView): ProxiedPort[] {
  const backendsOf = backendsByPort(endpointSlices.values());
  return [...services.values()].filter(isOurs).flatMap((service) => portsOf(service, backendsOf, { nodeName, zone }));
}

export function healthChecked({ services, endpointSlices, nodeName }: ProxyView): HealthChecked[] {
  const checked = [...services.values()].filter(({ spec }) => spec !== undefined && hasHealthCheckPort(spec)).filter(isOurs);
  if (checked.length === 0) return [];
  const backendsOf = backendsByPort(endpointSlices.values());
  return checked.flatMap(({ metadata, spec }) => {
    const [namespace, service, port] = [metadata?.namespace ?? "", metadata?.name ?? "", spec?.healthCheckNodePort ?? 0];
    if (port === 0) return [];
    const here = (spec?.ports ?? [])
      .flatMap((one) => backendsOf({ namespace, service, ...identityOf(one) }))
      .filter((backend) => backend.ready && backend.nodeName === nodeName);
    return [{ namespace, service, port, localEndpoints: new Set(here.map(({ address }) => address)).size }];
  });
}

function isOurs({ metadata, spec }: Service): boolean {
  const labels = metadata?.labels ?? {};
  if (labels[otherProxyLabel] !== undefined || labels[headlessLabel] !== undefined) return false;
  return serviceTypeOf(spec).hasAddress && clusterIpOf({ spec }) !== undefined;
}

function portsOf(service: Service, backendsOf: BackendsOf, viewpoint: Viewpoint): ProxiedPort[] {
  const { metadata, spec } = service;
  const address = clusterIpOf(service);
  if (spec === undefined || address === undefined) return [];
  const [namespace, name] = [metadata?.namespace ?? "", metadata?.name ?? ""];
  const { isExternal, hasBalancer } = serviceTypeOf(spec);
  const whole = {
    namespace,
    service: name,
    clusterAddress: parseIpv4(address),
    balancerAddresses: hasBalancer ? ingressOf(service) : [],
    affinitySeconds: affinityOf(spec),
    internalPolicy: policyOf(spec.internalTrafficPolicy),
    externalPolicy: isExternal ? policyOf(spec.externalTrafficPolicy) : "Cluster",
  } as const;
  return spec.ports.map((port): ProxiedPort => {
    const identity = identityOf(port);
    const backends = backendsOf({ namespace, service: name, ...identity });
    return {
      ...whole,
      key: `${namespace}/${name}/${identity.protocol}/${identity.portName || port.port}`,
      protocol: identity.protocol,
      port: port.port ?? 0,
      nodePort: hasNodePorts(spec) ? port.nodePort : undefined,
      ...choose(backends, viewpoint),
    };
  });
}

function identityOf({ name = "", protocol }: ServicePort): Pick<PortIdentity, "portName" | "protocol"> {
  return { portName: name, protocol: protocol === "UDP" ? "udp" : "tcp" };
}

function ingressOf({ status }: Service): Ipv4[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = "" }) => (ip === "" ? [] : [parseIpv4(ip)]));
}

function affinityOf({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): number | undefined {
  return sessionAffinity === "ClientIP" ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : undefined;
}

function policyOf(text: string | undefined): TrafficPolicy {
  return text === "Local" ? "Local" : "Cluster";
}
