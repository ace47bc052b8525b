import assert from "node:assert/strict";
import { createManualClock } from "#core/clock.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { EndpointMetrics } from "#proto/podwire/v1/metrics.ts";
import { createNewestMetrics } from "../../../control-plane/metrics/newest.ts";
import { measurementOf } from "../../support/measurements.ts";

const [one, two] = ["10.244.1.2", "10.244.2.2"] as const;

function telling(...endpoints: readonly EndpointMetrics[]): Measurement {
  return { ...measurementOf("any", []), endpoints: [...endpoints] };
}

function endpoint(address: string, connectionsPerSecond: number, requestsPerSecond: number, port = 8080): EndpointMetrics {
  const rates = { connectionsPerSecond, requestsPerSecond, windowMs: 5_000 };
  return { address, port, protocol: "tcp", ...rates, connections: 1_000, requests: 1_000 };
}

const rates = (connectionsPerSecond: number, requestsPerSecond: number) => ({ connectionsPerSecond, requestsPerSecond });

describe("the rates of endpoints", () => {
  it("are the sums of what the nodes tell", () => {
    const metrics = createNewestMetrics(createManualClock());
    assert.deepEqual(metrics.rates(one), rates(0, 0));
    metrics.put("node-1", telling(endpoint(one, 1, 10), endpoint(two, 2, 20)));
    metrics.put("node-2", telling(endpoint(one, 4, 40)));
    assert.deepEqual(metrics.rates(one), rates(5, 50));
    assert.deepEqual(metrics.rates(two), rates(2, 20));
    assert.deepEqual(metrics.rates("10.244.9.9"), rates(0, 0));
  });

  it("are of one port, or of all and of both protocols", () => {
    const metrics = createNewestMetrics(createManualClock());
    metrics.put(
      "node-1",
      telling(endpoint(one, 1, 10), endpoint(one, 2, 20, 9090), { ...endpoint(one, 4, 40), protocol: "udp" }),
    );
    assert.deepEqual(metrics.rates(one), rates(7, 70));
    assert.deepEqual(metrics.rates(one, 8080), rates(5, 50));
    assert.deepEqual(metrics.rates(one, 9090), rates(2, 20));
    assert.deepEqual(metrics.rates(one, 1), rates(0, 0));
  });

  it("are 0 for a node that tells nothing of the endpoint any more", () => {
    const metrics = createNewestMetrics(createManualClock());
    metrics.put("node-1", telling(endpoint(one, 1, 10)));
    metrics.put("node-2", telling(endpoint(one, 2, 20)));
    metrics.put("node-1", telling(endpoint(two, 3, 30)));
    assert.deepEqual(metrics.rates(one), rates(2, 20));
    metrics.put("node-2", telling());
    assert.deepEqual(metrics.rates(one), rates(0, 0));
    assert.deepEqual(metrics.rates(two), rates(3, 30));
  });

  it("are forgotten a minute after their node told them", async () => {
    const clock = createManualClock();
    const metrics = createNewestMetrics(clock);
    metrics.put("node-1", telling(endpoint(one, 1, 10)));
    await clock.advance(30_000);
    metrics.put("node-2", telling(endpoint(one, 2, 20)));
    await clock.advance(30_000);
    assert.deepEqual(metrics.rates(one), rates(3, 30));
    await clock.advance(1);
    assert.deepEqual(metrics.rates(one), rates(2, 20));
    await clock.advance(30_000);
    assert.deepEqual(metrics.rates(one), rates(0, 0));
  });

  it("leave out what is no rate", () => {
    const metrics = createNewestMetrics(createManualClock());
    const wrong = [endpoint(one, Number.NaN, 1), endpoint(one, 1, Number.POSITIVE_INFINITY), endpoint(one, -1, 1)];
    metrics.put("node-1", telling(...wrong, endpoint(one, 1, 10)));
    assert.deepEqual(metrics.rates(one), rates(1, 10));
  });

  it("take no more endpoints of a node than an agent sends", () => {
    const metrics = createNewestMetrics(createManualClock());
    metrics.put("node-1", telling(...Array.from({ length: 1_001 }, (_, port) => endpoint(one, 1, 1, port))));
    assert.deepEqual(metrics.rates(one), rates(1_000, 1_000));
  });
});
