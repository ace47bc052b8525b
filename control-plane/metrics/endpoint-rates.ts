/* How busy endpoints are, over all nodes: each tells of what it sent itself, so their newest words add up. Kept by address, since autoscalers
 * ask of every pod; most endpoints are known to few nodes. */

import type { EndpointMetrics } from "#proto/podwire/v1/metrics.ts";

export interface Rates {
  readonly connectionsPerSecond: number;
  readonly requestsPerSecond: number;
}

export interface EndpointRates {
  /** All that the node tells from now on; it takes the place of what it told before. */
  put(node: string, endpoints: readonly EndpointMetrics[]): void;
  /** Of all protocols, and of all ports where none is given. */
  of(address: string, port?: number): Rates;
}

/** As many as an agent sends. */
const endpointsMax = 1_000;

export function createEndpointRates(): EndpointRates {
  /** By address, and there by node. */
  const told = new Map<string, Map<string, readonly EndpointMetrics[]>>();
  const addressesOf = new Map<string, readonly string[]>();
  return {
    put(node, endpoints) {
      for (const address of addressesOf.get(node) ?? []) {
        const nodes = told.get(address);
        nodes?.delete(node);
        if (nodes?.size === 0) told.delete(address);
      }
      const byAddress = Map.groupBy(endpoints.slice(0, endpointsMax).filter(hasRates), ({ address }) => address);
      if (byAddress.size === 0) addressesOf.delete(node);
      else addressesOf.set(node, [...byAddress.keys()]);
      for (const [address, group] of byAddress) {
        const nodes = told.get(address);
        if (nodes === undefined) told.set(address, new Map([[node, group]]));
        else nodes.set(node, group);
      }
    },
    of(address, port) {
      let [connectionsPerSecond, requestsPerSecond] = [0, 0];
      for (const group of told.get(address)?.values() ?? []) {
        for (const one of group) {
          if (port !== undefined && one.port !== port) continue;
          connectionsPerSecond += one.connectionsPerSecond;
          requestsPerSecond += one.requestsPerSecond;
        }
      }
      return { connectionsPerSecond, requestsPerSecond };
    },
  };
}

/** One that is no number would spoil every sum. */
function hasRates({ connectionsPerSecond, requestsPerSecond }: EndpointMetrics): boolean {
  return [connectionsPerSecond, requestsPerSecond].every((rate) => Number.isFinite(rate) && rate >= 0);
}
