import assert from "node:assert/strict";
import type { EndpointSlice, Pod } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeSession } from "../../support/fake-agent.ts";
import { refusal } from "../../support/refusal.ts";
import { until } from "../../support/until.ts";

const web = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
};

function slicesOf({ store }: TestCluster, service: string): EndpointSlice[] {
  const slices = store.list("endpointslices/default/").entries.map(({ value }) => value as EndpointSlice);
  return slices.filter(({ metadata }) => metadata?.labels["kubernetes.io/service-name"] === service);
}

function addressesOf(cluster: TestCluster, service: string): string[] {
  return slicesOf(cluster, service)
    .flatMap(({ endpoints = [] }) => endpoints)
    .filter(({ conditions }) => conditions?.ready)
    .flatMap(({ addresses }) => addresses)
    .sort();
}

async function runPod(cluster: TestCluster, session: FakeSession, name: string, ip: string): Promise<Pod> {
  await cluster.write("create", podManifest(name, {}, { labels: { app: "web" } }));
  const pod = await until(() => [...session.view.pods.values()].find(({ metadata }) => metadata?.name === name), `pod ${name}`);
  session.reportRunning(pod, ip);
  return pod;
}

describe("the endpoint slices of a Service", () => {
  it("should create and delete EndpointSlices for a Service with a selector that matches no pods", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", web);
    const [slice] = await until(() => (slicesOf(cluster, "web").length > 0 ? slicesOf(cluster, "web") : undefined), "its slice");
    assert.deepEqual(slice?.endpoints ?? [], []);
    await cluster.delete("Service", "web");
    await until(() => slicesOf(cluster, "web").length === 0, "its slice's end");
  });

  it("follow pods that come, become unready and go", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", web);
    const first = await runPod(cluster, session, "web-1", "10.244.0.2");
    await runPod(cluster, session, "web-2", "10.244.0.3");
    await until(() => addressesOf(cluster, "web").join() === "10.244.0.2,10.244.0.3", "both pods");
    const { name = "", uid = "" } = first.metadata ?? {};
    await cluster.delete("Pod", name);
    await until(() => addressesOf(cluster, "web").join() === "10.244.0.3", "the one that stays");
    const terminating = slicesOf(cluster, "web").flatMap(({ endpoints }) =>
      endpoints.filter((one) => one.conditions?.terminating),
    );
    assert.deepEqual(terminating[0]?.conditions, { ready: false, serving: true, terminating: true });
    session.report({ name, uid, gone: true });
    await until(() => slicesOf(cluster, "web")[0]?.endpoints.length === 1, "the first pod's end");
    assert.equal(slicesOf(cluster, "web").length, 1);
  });

  it("reach every node, with the Service before them", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    const other = await cluster.joinReady("node-2");
    await cluster.write("create", web);
    await runPod(cluster, session, "web-1", "10.244.0.2");
    const ready = () =>
      [...other.session.view.endpointSlices.values()].flatMap(({ endpoints }) => endpoints.map((one) => one.addresses[0]));
    await until(() => ready().includes("10.244.0.2"), "the endpoint on the other node");
    assert.ok(other.session.view.services.has("default/web"));
    await cluster.delete("Service", "web");
    await until(() => !other.session.view.services.has("default/web"), "the Service's end on the other node");
    await until(() => !ready().includes("10.244.0.2"), "the endpoint's end on the other node");
  });

  it("are made again where somebody deletes or changes them", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", web);
    await runPod(cluster, session, "web-1", "10.244.0.2");
    await until(() => addressesOf(cluster, "web").join() === "10.244.0.2", "the pod");
    const name = slicesOf(cluster, "web")[0]?.metadata?.name ?? "";
    await cluster.delete("EndpointSlice", name);
    await until(() => addressesOf(cluster, "web").join() === "10.244.0.2", "another slice");
    const [slice] = slicesOf(cluster, "web");
    await cluster.write("update", { ...slice, endpoints: [{ addresses: ["10.244.0.99"] }] });
    await until(() => addressesOf(cluster, "web").join() === "10.244.0.2", "the true endpoint");
  });

  it("leave those of a Service without a selector to whoever made them", async () => {
    await using cluster = await startTestCluster();
    const made = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "db-1", labels: { "kubernetes.io/service-name": "db" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.244.0.50"] }],
      ports: [{ port: 5432 }],
    };
    await cluster.write("create", [{ ...web, metadata: { name: "db" }, spec: { ports: [{ port: 5432 }] } }, made]);
    await cluster.write("create", web);
    await until(() => slicesOf(cluster, "web").length === 1, "another Service's slice");
    assert.deepEqual(
      slicesOf(cluster, "db").map(({ endpoints }) => endpoints[0]?.addresses),
      [["10.244.0.50"]],
    );
  });

  it("may not lead to another Service's address where they are hand-made", async () => {
    await using cluster = await startTestCluster();
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "x" },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.96.0.10"] }],
    };
    const { message } = await refusal(cluster.write("create", slice));
    assert.match(
      message,
      /endpoints\[0\]\.addresses\[0\]: Invalid value: "10\.96\.0\.10": may not be in the range of Services' own/,
    );
  });
});

describe("a cluster's first Services", () => {
  it("should provide secure master service", async () => {
    await using cluster = await startTestCluster();
    const service = await cluster.get("Service", "kubernetes");
    assert.equal(service.object?.$case, "service");
    assert.equal(service.object.value.spec?.clusterIP, "10.96.0.1");
    assert.equal(service.object.value.spec?.ports[0]?.port, 443);
  });

  it("should have EndpointSlices pointing to API Server", async () => {
    await using cluster = await startTestCluster({ listen: "127.0.0.1:0" });
    assert.deepEqual(slicesOf(cluster, "kubernetes")[0]?.endpoints ?? [], [], "nobody else can mean this host's loopback");
  });

  it("lead to the address that is advertised, where the control plane listens on all", async () => {
    await using cluster = await startTestCluster({ listen: "127.0.0.1:0", advertise: "192.0.2.7:7443" });
    const slice = slicesOf(cluster, "kubernetes")[0];
    assert.deepEqual(slice?.endpoints[0]?.addresses, ["192.0.2.7"]);
    assert.equal(slice?.ports[0]?.port, 7443);
  });

  it("come again when they are deleted, with the same addresses", async () => {
    await using cluster = await startTestCluster();
    await cluster.delete("Service", "kube-dns", { namespace: "kube-system" });
    const again = await until(() => cluster.store.get("services/kube-system/kube-dns"), "the Service");
    assert.equal((again.value as { spec: { clusterIP: string } }).spec.clusterIP, "10.96.0.10");
  });
});

describe("a Service that nobody answers for", () => {
  const messagesOf = ({ store }: TestCluster) =>
    store.list("events/").entries.map(({ value }) => value as { reason: string; message: string });
  const said = (cluster: TestCluster) => messagesOf(cluster).filter(({ reason }) => reason === "NoEndpoints");

  it("says so once, a while after its beginning, and why", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", web);
    await until(() => slicesOf(cluster, "web").length === 1, "its slice");
    await until(async () => {
      await cluster.clock.advance(500);
      return said(cluster).length > 0;
    }, "the event");
    assert.equal(said(cluster)[0]?.message, "no pod has the labels app=web: whoever connects is refused until one is");
  });

  it("says nothing where a pod answers in time", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", [
      web,
      { ...web, metadata: { name: "idle" }, spec: { ...web.spec, selector: { app: "idle" } } },
    ]);
    await runPod(cluster, session, "web-1", "10.244.0.2");
    await until(() => addressesOf(cluster, "web").length === 1, "the pod");
    await until(async () => {
      await cluster.clock.advance(500);
      session.heartbeat();
      return said(cluster).length > 0;
    }, "the other Service's event");
    assert.deepEqual(
      said(cluster).map(({ message }) => /app=idle/.test(message)),
      [true],
    );
  });
});
