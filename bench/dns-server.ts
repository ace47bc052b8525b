/* A node's name server in a process of its own, on a port of 127.0.0.1, with as many Services as the arguments say. Tells its port,
 * and how long the zone took, as JSON. */

import { createServer } from "node:net";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { noDnsCounts } from "../node-agent/dns/counters.ts";
import { createForwarder } from "../node-agent/dns/forwarder.ts";
import { createResolver } from "../node-agent/dns/resolver.ts";
import { serveDns } from "../node-agent/dns/server.ts";
import { createZone } from "../node-agent/dns/zone.ts";
import { dnsSlice, manyServices, ranges } from "../test/support/dns-objects.ts";

const [serviceCount = 0, endpointCount = 0] = process.argv.slice(2).map(Number);
const { services, endpointSlices } = manyServices(serviceCount, endpointCount);
const zone = createZone({ ...ranges, ttlSeconds: 5 });
const wholeMs = took(() => zone.set(services, endpointSlices));

const changesMs: number[] = [];
for (let round = 0; round < 100; round++) {
  const slice = dnsSlice("service-7", { endpoints: [{ addresses: [`10.244.200.${round}`] }] });
  const changed = new Map(endpointSlices).set("shop/service-7-1", slice);
  changesMs.push(took(() => zone.set(services, changed)));
}

const { signal } = new AbortController();
const counters = noDnsCounts();
const log = createLog({ level: "error", name: "bench" });
const forwarder = createForwarder({ upstreams: [], stubs: new Map(), counters, clock: systemClock, log, signal });
const port = await freePort();
await serveDns({ host: "127.0.0.1", port, resolver: createResolver({ zone: () => zone, forwarder, counters, log }), counters });
process.stdout.write(`${JSON.stringify({ port, wholeMs, changesMs })}\n`);
process.on("SIGTERM", () => process.exit(0));

function took(action: () => void): number {
  const startMs = performance.now();
  action();
  return performance.now() - startMs;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
