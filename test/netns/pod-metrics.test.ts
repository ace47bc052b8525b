import assert from "node:assert/strict";
import { formatIpv4 } from "#core/ipv4.ts";
import { linuxContainers } from "#kernel/containers.ts";
import { inNetns, writeSysctls } from "#kernel/netns.ts";
import { run } from "#kernel/run.ts";
import { linuxUsage } from "#kernel/usage.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { PodMetrics } from "#proto/podwire/v1/metrics.ts";
import { keepMetrics } from "../../node-agent/metrics/keep-metrics.ts";
import { until } from "../support/until.ts";
import { makePod, openPodLab, type PodLab, uidOf } from "./pod-lab.ts";

describe("the metrics of a node's pods", () => {
  let lab: PodLab;
  before(async () => {
    lab = await openPodLab();
  });
  after(() => lab[Symbol.asyncDispose]());

  it("tell of each container's use, of the pod's traffic and of the node as a whole", async () => {
    const container = (name: string, ...command: readonly string[]) => ({ name, image: "any", command });
    const busy = makePod("busy", [], {
      containers: [container("burns", "sh", "-c", "while :; do :; done"), container("waits", "sleep", "1000")],
    });
    const onHost = makePod("on-host", ["sleep", "1000"], { spec: { hostNetwork: true } });
    await using agent = lab.startAgent();
    const stopping = new AbortController();
    let requests = 0;
    let newest: Measurement | undefined;
    const kept = keepMetrics({
      ...{ nodeName: "node-1", containers: linuxContainers, usage: linuxUsage, clock: systemClock, signal: stopping.signal },
      log: createLog({ level: "silent", name: "test" }),
      pods: () => agent.pods.held,
      links: () => [],
      readTraffic: async () => {
        requests += 50;
        return [{ address: "10.244.1.9", protocol: "tcp", port: 8080, connections: 7, requests }];
      },
      intervalMs: () => 1_250,
      send: (measurement) => {
        newest = measurement;
      },
    });
    try {
      agent.set(busy, onHost);
      await agent.running(busy, onHost);
      const of = (pod: typeof busy): PodMetrics | undefined => newest?.pods.find(({ uid }) => uid === uidOf(pod));
      await until(() => of(busy) !== undefined && of(onHost) !== undefined, "the metrics of both pods");
      const [burns, waits] = of(busy)?.containers.map(({ usage }) => usage) ?? [];
      assert.deepEqual(
        of(busy)?.containers.map(({ name }) => name),
        ["burns", "waits"],
      );
      const cores = (burns?.usageNanoCores ?? 0) / 1e9;
      // Others have work for the machine's processors, too.
      assert.ok(cores > 0.05 && cores < 1.1, `${cores} cores`);
      assert.ok((waits?.usageNanoCores ?? 1e9) < 5e7);
      // Their windows differ: that of a young container begins with it.
      const ofNode = (newest?.node?.usage?.usageNanoCores ?? 0) / 1e9;
      assert.ok(ofNode >= cores / 2, `the node ${ofNode} cores, its pod ${cores}`);
      assert.equal(of(onHost)?.network, undefined);

      const [endpoint, ...others] = newest?.endpoints ?? [];
      assert.deepEqual([endpoint?.address, endpoint?.connectionsPerSecond, others], ["10.244.1.9", 0, []]);
      const { requestsPerSecond = 0, windowMs = 0 } = endpoint ?? {};
      assert.ok(Math.abs(requestsPerSecond - 50_000 / windowMs) < 1, `${requestsPerSecond} requests a second in ${windowMs} ms`);

      // A pod that doesn't answer: 8 octets of ICMP, 20 of IP and 14 of Ethernet around each.
      const before = of(busy)?.network;
      assert.ok(before !== undefined);
      const { netns, address } = lab.link(busy);
      inNetns(netns, () => writeSysctls({ "net/ipv4/icmp_echo_ignore_all": "1" }));
      const ping = ["ping", "-q", "-c", "10", "-i", "0.01", "-W", "0.1", "-s", "1000", formatIpv4(address)] as const;
      await assert.rejects(run(ping, { signal: stopping.signal }));
      await until(() => (of(busy)?.network?.rxBytes ?? 0) >= before.rxBytes + 10 * 1_042, "the pings in the pod's counters");
      assert.ok((of(busy)?.network?.txBytes ?? 0) < before.txBytes + 1_042);
    } finally {
      stopping.abort();
      await kept;
    }
  });
});
