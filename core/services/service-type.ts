/* The types of Service and what each has. A new type is a line here. */

import type { Service, ServiceSpec } from "#proto/podwire/v1/resources.ts";

export interface ServiceType {
  readonly name: string;
  /** A virtual address, unless it is headless. */
  readonly hasAddress: boolean;
  /** Reached from outside of the cluster too. */
  readonly isExternal: boolean;
  readonly hasBalancer: boolean;
}

const clusterIp: ServiceType = { name: "ClusterIP", hasAddress: true, isExternal: false, hasBalancer: false };
const nodePort: ServiceType = { name: "NodePort", hasAddress: true, isExternal: true, hasBalancer: false };
const loadBalancer: ServiceType = { name: "LoadBalancer", hasAddress: true, isExternal: true, hasBalancer: true };
const externalName: ServiceType = { name: "ExternalName", hasAddress: false, isExternal: false, hasBalancer: false };

export const serviceTypes: readonly ServiceType[] = [clusterIp, externalName, loadBalancer, nodePort];

export function serviceTypeOf(spec: Pick<ServiceSpec, "type"> | undefined): ServiceType {
  return serviceTypes.find(({ name }) => name === spec?.type) ?? clusterIp;
}

/** Pods are found by DNS alone: it has no address. */
export function isHeadless(spec: Pick<ServiceSpec, "clusterIP"> | undefined): boolean {
  return spec?.clusterIP === "None";
}

/** The virtual address; undefined for a headless Service, an ExternalName, and one that has none yet. */
export function clusterIpOf({ spec }: Pick<Service, "spec">): string | undefined {
  const { clusterIP = "" } = spec ?? {};
  return clusterIP === "" || clusterIP === "None" ? undefined : clusterIP;
}

/** Whether each of its ports has a port of every node too. */
export function hasNodePorts(spec: ServiceSpec): boolean {
  const { isExternal, hasBalancer } = serviceTypeOf(spec);
  return isExternal && !(hasBalancer && spec.allocateLoadBalancerNodePorts === false);
}

/** Whether nodes answer a load balancer that asks them for pods of their own (KEP-1669). */
export function hasHealthCheckPort(spec: ServiceSpec): boolean {
  return serviceTypeOf(spec).hasBalancer && spec.externalTrafficPolicy === "Local";
}
