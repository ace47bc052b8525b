import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import { createLog } from "#process/log.ts";
import { type Family, parseMetricsAddress, serveMetrics } from "#process/prometheus.ts";
import { noDnsCounts } from "../../node-agent/dns/counters.ts";
import { agentFamilies } from "../../node-agent/metrics/families.ts";
import { noReceiveDrops, noSendDrops } from "../../node-agent/overlay/counters.ts";
import type { PeerStatus } from "../../node-agent/overlay/status.ts";

const log = createLog({ level: "silent", name: "test" });
const start = (read: () => readonly Family[]) => serveMetrics({ listen: { host: "127.0.0.1", port: 0 }, read, log });
const ask = (port: number, path = "/metrics", method = "GET") => fetch(`http://127.0.0.1:${port}${path}`, { method });
const linesOf = async (response: Response, name: string) =>
  (await response.text()).split("\n").filter((line) => line.startsWith(name) || line.startsWith(`# TYPE ${name} `));

describe("/metrics", () => {
  it("reads when it is asked, and tells counters from gauges", async () => {
    let value = 1;
    await using server = await start(() => [
      { name: "test_size", help: "h", samples: [{ value }] },
      { name: "test_things_total", help: "h", samples: [{ labels: { kind: 'a"b' }, value: value * 10 }] },
    ]);
    assert.deepEqual(await linesOf(await ask(server.port), "test_size"), ["# TYPE test_size gauge", "test_size 1"]);
    value = 2;
    assert.deepEqual(await linesOf(await ask(server.port), "test_things_total"), [
      "# TYPE test_things_total counter",
      'test_things_total{kind="a\\"b"} 20',
    ]);
    assert.equal((await linesOf(await ask(server.port), "process_resident_memory_bytes")).length, 2);
  });

  it("is all that there is", async () => {
    await using server = await start(() => []);
    assert.equal((await ask(server.port, "/")).status, 404);
    assert.equal((await ask(server.port, "/metrics", "POST")).status, 405);
  });

  it("says that it failed, and serves on", async () => {
    let broken = true;
    await using server = await start(() => {
      if (broken) throw new Error("secret");
      return [];
    });
    const failed = await ask(server.port);
    assert.deepEqual([failed.status, (await failed.text()).includes("secret")], [500, false]);
    broken = false;
    assert.equal((await ask(server.port)).status, 200);
  });

  it("names the flag where its address is taken", async () => {
    await using server = await start(() => []);
    const taken = serveMetrics({ listen: { host: "127.0.0.1", port: server.port }, read: () => [], log });
    await assert.rejects(
      taken,
      (error) => isAppError(error, "failed-precondition") && error.message.includes("--metrics 127.0.0.1:"),
    );
  });

  it("of an agent tells its tunnels by their peers", async () => {
    const carried = { bytes: 1_000, packets: 44, frames: 2, messages: 1 };
    const peer: PeerStatus = {
      ...{ name: "node-2", tunnel: { state: "open" }, roundTripMs: 0.5, queuedBytes: 7, sent: carried },
      ...{ received: { ...carried, bytes: 5 }, sendDrops: { ...noSendDrops(), "queue-full": 3 }, receiveDrops: noReceiveDrops() },
    };
    const lost: PeerStatus = { ...peer, name: "node-3", tunnel: { state: "connecting", attempt: 1 }, roundTripMs: undefined };
    const refusals = { malformed: 0, unproven: 4, clock: 0, replayed: 0, "wrong-peer": 0, version: 0, busy: 0 };
    const traffic = [{ address: "10.244.1.2", protocol: "tcp", port: 8080, connections: 20, requests: 60 }];
    const overlay = { peers: [peer, lost], drops: { ...noSendDrops(), "no-peer": 9 }, refusals };
    await using server = await start(() => agentFamilies({ overlay, dns: noDnsCounts(), podCount: 3, traffic }));
    const text = await (await ask(server.port)).text();
    for (const line of [
      "podwire_pods 3",
      'podwire_link_up{peer="node-2"} 1',
      'podwire_link_up{peer="node-3"} 0',
      'podwire_link_round_trip_seconds{peer="node-2"} 0.0005',
      'podwire_link_queued_bytes{peer="node-2"} 7',
      'podwire_link_bytes_total{peer="node-2",direction="receive"} 5',
      'podwire_link_packets_total{peer="node-2",direction="send"} 44',
      'podwire_link_dropped_frames_total{peer="node-2",direction="send",reason="queue-full"} 3',
      'podwire_unrouted_frames_total{reason="no-peer"} 9',
      'podwire_refused_tunnels_total{reason="unproven"} 4',
      'podwire_endpoint_connections_total{address="10.244.1.2",port="8080",protocol="tcp"} 20',
      'podwire_endpoint_requests_total{address="10.244.1.2",port="8080",protocol="tcp"} 60',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line);
    }
    assert.ok(!text.includes('podwire_link_round_trip_seconds{peer="node-3"}'));
  });
});

describe("--metrics", () => {
  it("is a host and a port", () => {
    assert.equal(parseMetricsAddress(undefined), undefined);
    assert.deepEqual(parseMetricsAddress("10.0.0.1:9464"), { host: "10.0.0.1", port: 9464 });
    assert.deepEqual(parseMetricsAddress("[::1]:9464"), { host: "::1", port: 9464 });
    for (const text of ["9464", "host:", "host:70000", ":1", ""]) {
      assert.throws(() => parseMetricsAddress(text), /--metrics ".*": want HOST:PORT/, text);
    }
  });
});
