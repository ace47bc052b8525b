/* What an agent would measure of its pods. */

import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { Usage } from "#proto/podwire/v1/metrics.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";

export interface Measured {
  readonly milliCores?: number;
  readonly mebibytes?: number;
}

/** Of each container of each pod, and of the node. */
export function measurementOf(name: string, pods: readonly (Pod | undefined)[], measured: Measured = {}): Measurement {
  const when = { timestamp: "2026-01-01T00:00:00Z", windowMs: 5_000 };
  return {
    node: { name, ...when, usage: usageOf(measured) },
    pods: pods.map((pod) => ({
      ...{ namespace: pod?.metadata?.namespace ?? "", name: pod?.metadata?.name ?? "", uid: pod?.metadata?.uid ?? "" },
      ...when,
      containers: (pod?.spec?.containers ?? []).map((container) => ({ name: container.name ?? "", usage: usageOf(measured) })),
      network: { rxBytes: 1_000, txBytes: 2_000 },
      connectionsPerSecond: undefined,
      requestsPerSecond: undefined,
    })),
    links: [],
    endpoints: [],
  };
}

export function usageOf({ milliCores = 100, mebibytes = 20 }: Measured): Usage {
  return {
    usageNanoCores: Math.round(milliCores * 1e6),
    usageCoreSeconds: 1.5,
    workingSetBytes: Math.round(mebibytes * 2 ** 20),
  };
}
