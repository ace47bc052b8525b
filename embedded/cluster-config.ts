/* What a cluster on this machine is made of. Checked before anything is made. */

import { addressAt, type Cidr, formatCidr, parseCidr, refuseOverlaps, subnetCount } from "#core/cidr.ts";
import { invalid } from "#core/errors.ts";
import type { LogLevel } from "#process/log.ts";

export interface ClusterConfig {
  readonly name: string;
  readonly nodeCount: number;
  /** How many of the nodes each zone has; none where no zones were asked for. */
  readonly zones: Readonly<Record<string, number>>;
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly loadBalancerCidr: string;
  readonly logLevel: LogLevel;
  /** The control plane's timers run so many times as fast. */
  readonly timeScale: number;
  /** The nodes that come and go with what pods ask for; the first ones are of it. */
  readonly nodeGroup?: NodeGroupConfig | undefined;
  /** What each node says that it has, instead of the machine's whole; by resource. */
  readonly nodeCapacity?: Readonly<Record<string, string>> | undefined;
  /** Where Prometheus finds /metrics on every host; nowhere where it is absent. */
  readonly metricsPort?: number | undefined;
}

export interface NodeGroupConfig {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** How many nodes it may come to. */
export function nodesAtMost({ nodeCount, nodeGroup }: ClusterConfig): number {
  return Math.max(nodeCount, nodeGroup?.max ?? 0);
}

/** The network that joins the hosts, inside the sandbox: the machine's own never meets it. */
export const underlay: Cidr = parseCidr("172.18.0.0/16");
export const nodeCidrPrefix = 24;
export const agentPort = 7443;
export const nodesMax = 250;
export const defaultClusterName = "podwire";

/**
 * How long an agent may be silent before its node is NotReady: 3 s, and in a large cluster more, since one machine's processors that start a
 * hundred pods at once leave an agent none for a while.
 */
export function heartbeatTimeoutSeconds(nodeCount: number): number {
  return Math.max(3, Math.ceil(nodeCount / 3));
}

/** "invalid" where no cluster may have that many. */
export function checkNodeCount(nodeCount: number): void {
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > nodesMax) {
    throw invalid(`--nodes ${nodeCount}: want a whole number from 1 to ${nodesMax}`);
  }
}

/** "invalid" with what to change. */
export function checkConfig(config: ClusterConfig): void {
  const { nodeCount, podCidr, serviceCidr, loadBalancerCidr, nodeGroup } = config;
  checkNodeCount(nodeCount);
  if (nodeGroup !== undefined && (nodeCount < nodeGroup.min || nodeCount > nodeGroup.max)) {
    const { name, min, max } = nodeGroup;
    throw invalid(`--nodes ${nodeCount}: the node group ${name} has ${min} to ${max} of them, and they are its first`);
  }
  const most = nodesAtMost(config);
  const pods = parseCidr(podCidr);
  const services = parseCidr(serviceCidr);
  const balancers = parseCidr(loadBalancerCidr);
  const ranges = { "--pod-cidr": pods, "--service-cidr": services, "--load-balancer-cidr": balancers };
  refuseOverlaps({ ...ranges, "the hosts' own network": underlay });
  const blocks = podBlocks(pods);
  if (blocks < most) {
    throw invalid(
      `--pod-cidr ${formatCidr(pods)} has room for ${blocks} nodes of a /${nodeCidrPrefix} each, not for ${most}: give a larger range or fewer --nodes`,
    );
  }
}

/** How many nodes have room in a range of pod addresses. */
export function podBlocks(pods: Cidr): number {
  return pods.prefix > nodeCidrPrefix ? 0 : subnetCount(pods, nodeCidrPrefix);
}

export const controlPlaneHost = { name: "control-plane", address: addressAt(underlay, 2) } as const;
