/* How busy Services' endpoints are, from what the rules counted until now and until the reading before. Pure. */

import type { EndpointTraffic } from "#kernel/service-table.ts";
import type { EndpointMetrics } from "#proto/podwire/v1/metrics.ts";

export interface TrafficReading {
  /** Monotonic. */
  readonly atMs: number;
  /** By endpoint. */
  readonly endpoints: ReadonlyMap<string, EndpointTraffic>;
}

/** A measurement stays far below gRPC's 4 MiB. */
export const endpointsMax = 1_000;

export function trafficReading(atMs: number, traffic: readonly EndpointTraffic[]): TrafficReading {
  return { atMs, endpoints: new Map(traffic.map((one) => [`${one.protocol} ${one.address}:${one.port}`, one])) };
}

/**
 * Of those to which something went in between, the busiest first. What the reading before did not have has been counted since then; what
 * has less than it had was forgotten and counted anew.
 */
export function endpointMetrics(before: TrafficReading, now: TrafficReading): EndpointMetrics[] {
  const windowMs = now.atMs - before.atMs;
  if (windowMs <= 0) return [];
  const perSecond = (count: number) => (count * 1_000) / windowMs;
  const moved = [...now.endpoints].flatMap(([name, endpoint]) => {
    const { connections, requests } = since(before.endpoints.get(name), endpoint);
    if (connections === 0 && requests === 0) return [];
    const rates = { connectionsPerSecond: perSecond(connections), requestsPerSecond: perSecond(requests) };
    return [{ ...endpoint, ...rates, windowMs: Math.round(windowMs) }];
  });
  return moved.sort((a, b) => busyness(b) - busyness(a)).slice(0, endpointsMax);
}

type Counted = Pick<EndpointTraffic, "connections" | "requests">;

/** Both counters of an endpoint are forgotten apart, and one that is gone has begun anew by its next. */
function since(before: Counted | undefined, now: Counted): Counted {
  const grown = (of: keyof Counted) => {
    const [then, count] = [before?.[of] ?? 0, now[of]];
    return count < then ? count : count - then;
  };
  return { connections: grown("connections"), requests: grown("requests") };
}

function busyness({ connectionsPerSecond, requestsPerSecond }: EndpointMetrics): number {
  return connectionsPerSecond + requestsPerSecond;
}
