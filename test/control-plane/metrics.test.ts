import assert from "node:assert/strict";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { MetricsRequest } from "#proto/podwire/v1/cluster.ts";
import type { LinkMetrics, NodeMetrics, PodMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster, type TestCluster } from "../support/control-plane.ts";
import type { FakeSession } from "../support/fake-agent.ts";
import { measurementOf } from "../support/measurements.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();
const everything: MetricsRequest = { namespace: "", name: "", labelSelector: "", fieldSelector: "" };

async function podMetrics({ client }: TestCluster, request: Partial<MetricsRequest> = {}): Promise<PodMetrics[]> {
  const found: PodMetrics[] = [];
  for await (const { items } of client.podMetrics({ ...everything, ...request }, { signal })) found.push(...items);
  return found;
}

async function nodeMetrics({ client }: TestCluster, request: Partial<MetricsRequest> = {}): Promise<NodeMetrics[]> {
  const found: NodeMetrics[] = [];
  for await (const { items } of client.nodeMetrics({ ...everything, ...request }, { signal })) found.push(...items);
  return found;
}

describe("metrics", () => {
  let cluster: TestCluster;
  let sessions: ReadonlyMap<string, FakeSession>;
  let send: (node: string, measurement: Measurement) => void;
  beforeEach(async () => {
    cluster = await startTestCluster({ heartbeatTimeoutMs: 600_000 });
    sessions = new Map([
      ["node-1", (await cluster.joinReady("node-1", { labels: { zone: "a" } })).session],
      ["node-2", (await cluster.joinReady("node-2")).session],
    ]);
    send = (node, value) => sessions.get(node)?.send({ $case: "measurement", value });
    await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await cluster.write("create", [
      podManifest("web", { nodeName: "node-1" }, { labels: { app: "web" } }),
      podManifest("db", { nodeName: "node-1" }),
      podManifest("web", { nodeName: "node-2" }, { namespace: "shop", labels: { app: "web" } }),
    ]);
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const measured = async () => {
    const [web, db, shopWeb] = [cluster.pod("web"), cluster.pod("db"), cluster.pod("web", "shop")];
    send("node-1", measurementOf("node-1", [web, db]));
    send("node-2", measurementOf("node-2", [shopWeb]));
    await until(async () => (await podMetrics(cluster)).length === 3, "the metrics");
  };

  it("are those that agents sent last", async () => {
    await measured();
    const web = cluster.pod("web");
    const next = measurementOf("node-1", [web], { milliCores: 700 });
    send("node-1", next);
    await until(async () => (await podMetrics(cluster)).length === 2, "the next metrics");
    assert.deepEqual(await podMetrics(cluster, { name: "web" }), next.pods);
    assert.deepEqual(await nodeMetrics(cluster, { name: "node-1" }), [next.node]);
  });

  it("are of tunnels, too, each as its node sees it", async () => {
    const traffic = { bytes: 1_000, packets: 20, frames: 10, messages: 5 };
    const link = { node: "node-1", peer: "node-2", state: "open", reason: "", roundTripMs: 0.25, queuedBytes: 0 };
    const links = [{ ...link, sent: traffic, received: traffic, sendDrops: { "queue-full": 3 }, receiveDrops: {} }];
    send("node-1", { ...measurementOf("node-1", []), links: links.map((one) => ({ ...one, node: "node-2" })) });
    const linksOf = async (request: Partial<MetricsRequest>) => {
      const found: LinkMetrics[] = [];
      for await (const { items } of cluster.client.linkMetrics({ ...everything, ...request }, { signal })) found.push(...items);
      return found;
    };
    await until(async () => (await linksOf({})).length > 0, "the links");
    assert.deepEqual(await linksOf({}), links, "whoever sent it, it is that node's");
    assert.deepEqual(await linksOf({ labelSelector: "zone=a" }), links);
    assert.deepEqual(await linksOf({ name: "node-2" }), []);
  });

  it("of a pod have what the nodes led to its address, but not in its node's own network", async () => {
    await cluster.write("create", podManifest("on-host", { nodeName: "node-1", hostNetwork: true }));
    const [web, onHost] = [cluster.pod("web"), cluster.pod("on-host")];
    const endpoint = { address: "10.244.0.2", protocol: "tcp", port: 8080, windowMs: 5_000, connections: 9, requests: 9 };
    const busy = (address: string) => ({ ...endpoint, address, connectionsPerSecond: 1.5, requestsPerSecond: 4 });
    sessions.get("node-1")?.reportRunning(web as Pod, "10.244.0.2");
    sessions.get("node-1")?.reportRunning(onHost as Pod, "192.168.0.1");
    send("node-1", { ...measurementOf("node-1", [web, onHost]), endpoints: [busy("10.244.0.2"), busy("192.168.0.1")] });
    send("node-2", { ...measurementOf("node-2", []), endpoints: [busy("10.244.0.2")] });
    const ratesOf = async (name: string) => {
      const [pod] = await podMetrics(cluster, { fieldSelector: `metadata.name=${name},metadata.namespace=default` });
      return [pod?.connectionsPerSecond, pod?.requestsPerSecond];
    };
    await until(async () => (await ratesOf("web"))[0] === 3, "what both nodes tell");
    assert.deepEqual(await ratesOf("web"), [3, 8]);
    assert.deepEqual(await ratesOf("on-host"), [undefined, undefined]);
  });

  it("are chosen by namespace, name and selectors", async () => {
    await measured();
    const names = async (request: Partial<MetricsRequest>) =>
      (await podMetrics(cluster, request)).map(({ namespace, name }) => `${namespace}/${name}`);
    assert.deepEqual(await names({}), ["default/db", "default/web", "shop/web"]);
    assert.deepEqual(await names({ namespace: "shop" }), ["shop/web"]);
    assert.deepEqual(await names({ labelSelector: "app=web" }), ["default/web", "shop/web"]);
    assert.deepEqual(await names({ fieldSelector: "spec.nodeName=node-1,metadata.name!=db" }), ["default/web"]);
    assert.deepEqual(await names({ namespace: "shop", name: "web" }), ["shop/web"]);
    const nodes = await nodeMetrics(cluster, { labelSelector: "zone=a" });
    assert.deepEqual(
      nodes.map(({ name }) => name),
      ["node-1"],
    );
  });

  it("of a pod are told by its own node only", async () => {
    await measured();
    const foreign = measurementOf("node-1", [cluster.pod("web", "shop")], { milliCores: 9_000 });
    send("node-2", foreign);
    send("node-1", foreign);
    await until(async () => (await podMetrics(cluster)).length === 1, "node-1's new metrics");
    assert.deepEqual(await podMetrics(cluster), foreign.pods);
    await cluster.delete("Pod", "web", { namespace: "shop", gracePeriodSeconds: 0 });
    assert.deepEqual(await podMetrics(cluster), []);
    assert.equal((await nodeMetrics(cluster, { name: "node-2" }))[0]?.name, "node-2", "an agent speaks for no other node");
  });

  it("are forgotten a minute after the last of them came", async () => {
    await measured();
    await cluster.clock.advance(50_000);
    send("node-2", measurementOf("node-2", [cluster.pod("web", "shop")], { milliCores: 5 }));
    await until(
      async () =>
        (await podMetrics(cluster, { name: "web", namespace: "shop" }))[0]?.containers[0]?.usage?.usageNanoCores === 5e6,
      "it",
    );
    assert.equal((await nodeMetrics(cluster)).length, 2);
    await cluster.clock.advance(10_001);
    assert.deepEqual(
      (await nodeMetrics(cluster)).map(({ name }) => name),
      ["node-2"],
    );
    assert.equal((await podMetrics(cluster)).length, 1);
  });

  it("that are not there are refused in metrics-server's words", async () => {
    const cases: readonly [ask: () => Promise<unknown>, message: string][] = [
      [() => podMetrics(cluster, { name: "nope" }), 'pods "nope" not found'],
      [() => podMetrics(cluster, { name: "db" }), 'podmetrics.metrics.k8s.io "default/db" not found'],
      [() => nodeMetrics(cluster, { name: "node-7" }), 'nodes "node-7" not found'],
      [() => nodeMetrics(cluster, { name: "node-1" }), 'nodemetrics.metrics.k8s.io "node-1" not found'],
    ];
    for (const [ask, message] of cases) await assert.rejects(ask(), { kind: "not-found", reason: "NotFound", message });
  });

  it("never come into the store", async () => {
    await measured();
    assert.doesNotMatch(JSON.stringify(cluster.store.list("").entries), /nano_?cores/i);
  });
});
