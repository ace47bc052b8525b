/* What nodes measured last, in memory: one measurement a node, and none that is older than a minute. Agents send one every few seconds,
 * so a node whose session is over for longer has none. */

import type { Clock } from "#core/clock.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { LinkMetrics, NodeMetrics, PodMetrics } from "#proto/podwire/v1/metrics.ts";
import { createEndpointRates, type Rates } from "./endpoint-rates.ts";

export interface NewestMetrics {
  put(node: string, measurement: Measurement): void;
  node(name: string): NodeMetrics | undefined;
  /** Of a pod that is bound to that node: nobody may speak for another's. */
  pod(node: string, uid: string): PodMetrics | undefined;
  /** Of its tunnels, as the node itself sees them. */
  links(node: string): readonly LinkMetrics[];
  /** Of an endpoint of Services, the sum of what the nodes led there; of all its ports where none is given. */
  rates(address: string, port?: number): Rates;
}

const keptMs = 60_000;

interface Kept {
  readonly atMs: number;
  readonly node: NodeMetrics | undefined;
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodMetrics>;
  readonly links: readonly LinkMetrics[];
}

export function createNewestMetrics(clock: Clock): NewestMetrics {
  /** The oldest first. */
  const newest = new Map<string, Kept>();
  const endpoints = createEndpointRates();
  const drop = () => {
    for (const [node, { atMs }] of newest) {
      if (clock.monotonicMs() - atMs <= keptMs) return;
      newest.delete(node);
      endpoints.put(node, []);
    }
  };
  const of = (node: string) => {
    drop();
    return newest.get(node);
  };
  return {
    put(name, { node, pods, links, ...measurement }) {
      drop();
      newest.delete(name);
      newest.set(name, {
        atMs: clock.monotonicMs(),
        node: node && { ...node, name },
        pods: new Map(pods.map((pod) => [pod.uid, pod])),
        links: links.map((link) => ({ ...link, node: name })),
      });
      endpoints.put(name, measurement.endpoints);
    },
    node: (name) => of(name)?.node,
    pod: (node, uid) => of(node)?.pods.get(uid),
    links: (node) => of(node)?.links ?? [],
    rates(address, port) {
      drop();
      return endpoints.of(address, port);
    },
  };
}
