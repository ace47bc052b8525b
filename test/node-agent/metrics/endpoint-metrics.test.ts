import assert from "node:assert/strict";
import type { EndpointTraffic } from "#kernel/service-table.ts";
import { endpointMetrics, endpointsMax, trafficReading } from "../../../node-agent/metrics/endpoint-metrics.ts";

const web: EndpointTraffic = { address: "10.244.1.2", protocol: "tcp", port: 8080, connections: 100, requests: 300 };
const names: EndpointTraffic = { address: "10.244.1.3", protocol: "udp", port: 53, connections: 1, requests: 7 };

/** `ADDRESS PROTOCOL PORT: CONNECTIONS/s REQUESTS/s`, of two readings that are five seconds apart. */
function rates(before: readonly EndpointTraffic[], now: readonly EndpointTraffic[]): string[] {
  return endpointMetrics(trafficReading(1_000, before), trafficReading(6_000, now)).map(
    ({ address, protocol, port, connectionsPerSecond, requestsPerSecond }) =>
      `${address} ${protocol} ${port}: ${connectionsPerSecond} ${requestsPerSecond}`,
  );
}

describe("the metrics of endpoints", () => {
  const cases: readonly {
    sentence: string;
    before: readonly EndpointTraffic[];
    now: readonly EndpointTraffic[];
    want: readonly string[];
  }[] = [
    {
      sentence: "are means over the window",
      before: [web],
      now: [{ ...web, connections: 110, requests: 330 }],
      want: ["10.244.1.2 tcp 8080: 2 6"],
    },
    { sentence: "leave out where nothing went", before: [web, names], now: [names, web], want: [] },
    {
      sentence: "have all that is counted of an endpoint that is new",
      before: [web],
      now: [web, { ...names, connections: 5, requests: 10 }],
      want: ["10.244.1.3 udp 53: 1 2"],
    },
    {
      sentence: "begin anew with each counter that does",
      before: [web],
      now: [{ ...web, connections: 5, requests: 310 }],
      want: ["10.244.1.2 tcp 8080: 1 2"],
    },
    {
      sentence: "know an endpoint again that was forgotten meanwhile",
      before: [],
      now: [{ ...web, connections: 5, requests: 15 }],
      want: ["10.244.1.2 tcp 8080: 1 3"],
    },
    { sentence: "say nothing of one that is gone", before: [web, names], now: [names], want: [] },
    {
      sentence: "tell protocols and ports apart",
      before: [web, { ...web, protocol: "udp" }],
      now: [web, { ...web, protocol: "udp", requests: 305 }, { ...web, port: 9090, connections: 0, requests: 5 }],
      want: ["10.244.1.2 udp 8080: 0 1", "10.244.1.2 tcp 9090: 0 1"],
    },
    {
      sentence: "begin with the busiest",
      before: [],
      now: [names, web],
      want: ["10.244.1.2 tcp 8080: 20 60", "10.244.1.3 udp 53: 0.2 1.4"],
    },
  ];
  for (const { sentence, before, now, want } of cases) it(sentence, () => assert.deepEqual(rates(before, now), want));

  it("have the counters and the window, too", () => {
    const [before, now] = [trafficReading(1_000, []), trafficReading(1_500.4, [web])];
    assert.deepEqual(endpointMetrics(before, { ...now, atMs: 1_500 }), [
      { ...web, connectionsPerSecond: 200, requestsPerSecond: 600, windowMs: 500 },
    ]);
    assert.equal(endpointMetrics(before, now)[0]?.windowMs, 500);
    assert.deepEqual(endpointMetrics(now, now), [], "no window, no rate");
  });

  it("are the busiest thousand's", () => {
    const many = Array.from({ length: endpointsMax + 10 }, (_, i) => ({ ...web, port: 1_000 + i, requests: 1_000 + i }));
    const found = endpointMetrics(trafficReading(0, []), trafficReading(1_000, many));
    assert.deepEqual([found.length, found.at(0)?.port, found.at(-1)?.port], [1_000, 2_009, 1_010]);
  });
});
