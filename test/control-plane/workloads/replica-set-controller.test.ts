import assert from "node:assert/strict";
import type { Pod, ReplicaSet } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { startFakeKubelet } from "../../support/fake-kubelet.ts";
import { until } from "../../support/until.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "podwire/toolbox" }] } };

function replicaSet(replicas: number, spec: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web" },
    spec: { replicas, selector: { matchLabels: { app: "web" } }, template, ...spec },
  };
}

const podsOf = ({ store }: TestCluster) => store.list("pods/default/").entries.map(({ value }) => value as Pod);
const setOf = ({ store }: TestCluster) => store.get("replicasets/default/web")?.value as ReplicaSet | undefined;
const eventsOf = ({ store }: TestCluster, reason: string) =>
  store
    .list("events/")
    .entries.map(({ value }) => value as { reason: string; message: string })
    .filter((one) => one.reason === reason);

describe("a ReplicaSet", () => {
  it("makes its pods at once, counts them, and says so", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("create", replicaSet(3));
    await until(() => setOf(cluster)?.status?.availableReplicas === 3, "three available pods");
    const { conditions: _, ...status } = setOf(cluster)?.status ?? {};
    assert.deepEqual(status, {
      ...{ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 },
    });
    const [pod] = podsOf(cluster);
    assert.match(pod?.metadata?.name ?? "", /^web-[a-z0-9]{5}$/);
    const [owner] = pod?.metadata?.ownerReferences ?? [];
    assert.deepEqual(owner, {
      ...{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: setOf(cluster)?.metadata?.uid },
      ...{ controller: true, blockOwnerDeletion: true },
    });
    await until(() => eventsOf(cluster, "SuccessfulCreate").length === 3, "its events");
    assert.match(eventsOf(cluster, "SuccessfulCreate")[0]?.message ?? "", /^Created pod: web-/);
  });

  it("makes another pod for one that is deleted or fails", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("create", replicaSet(2));
    await until(() => setOf(cluster)?.status?.availableReplicas === 2, "two pods");
    const before = podsOf(cluster).map(({ metadata }) => metadata?.name);
    await cluster.delete("Pod", before[0] ?? "");
    await until(
      () =>
        setOf(cluster)?.status?.availableReplicas === 2 && !podsOf(cluster).some(({ metadata }) => metadata?.name === before[0]),
      "another pod",
    );
    assert.equal(podsOf(cluster).length, 2);
  });

  it("ends those first whose loss is felt least", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    let count = 0;
    await using _kubelet = startFakeKubelet(session, { runs: () => ++count <= 2 });
    await cluster.write("create", replicaSet(4));
    await until(() => setOf(cluster)?.status?.readyReplicas === 2 && session.view.pods.size === 4, "two ready pods of four");
    await cluster.write("apply", replicaSet(2));
    await until(() => podsOf(cluster).length === 2, "two pods");
    assert.ok(podsOf(cluster).every(({ status }) => status?.phase === "Running"));
    await until(() => eventsOf(cluster, "SuccessfulDelete").length === 2, "its events");
  });

  it("adopts what it selects and releases what strays", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("bare", {}, { labels: { app: "web" } }));
    await cluster.write("create", replicaSet(1));
    await until(() => cluster.pod("bare")?.metadata?.ownerReferences?.length === 1, "its owner");
    assert.equal(podsOf(cluster).length, 1);
    await cluster.write("update", {
      ...(cluster.pod("bare") as object),
      metadata: { ...cluster.pod("bare")?.metadata, labels: {} },
    });
    await until(() => podsOf(cluster).length === 2, "another pod in its place");
    assert.deepEqual(cluster.pod("bare")?.metadata?.ownerReferences ?? [], []);
  });

  it("counts a pod as available once it was ready for long enough", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("create", replicaSet(1, { minReadySeconds: 2 }));
    await until(() => setOf(cluster)?.status?.readyReplicas === 1, "a ready pod");
    assert.equal(setOf(cluster)?.status?.availableReplicas, 0);
    await until(async () => {
      await cluster.clock.advance(1_000);
      session.heartbeat();
      return setOf(cluster)?.status?.availableReplicas === 1;
    }, "an available pod");
    assert.ok(cluster.clock.wallMs() >= Date.UTC(2026, 0, 1, 0, 0, 2));
  });

  it("says why it can make no pods", async () => {
    await using cluster = await startTestCluster();
    const bad = { ...template, metadata: { ...template.metadata, annotations: { "no good key": "x" } } };
    await cluster.write("create", replicaSet(2, { template: bad }));
    await until(() => eventsOf(cluster, "FailedCreate").length > 0, "the event");
    assert.match(
      eventsOf(cluster, "FailedCreate")[0]?.message ?? "",
      /^Error creating: Pod "web-" is invalid: metadata\.annotations/,
    );
    const [condition] = setOf(cluster)?.status?.conditions ?? [];
    assert.deepEqual([condition?.type, condition?.status, condition?.reason], ["ReplicaFailure", "True", "FailedCreate"]);
    await cluster.write("update", replicaSet(2));
    await until(() => podsOf(cluster).length === 2, "its pods once the template is well");
    assert.deepEqual(setOf(cluster)?.status?.conditions ?? [], []);
  });

  it("takes its pods with it, unless they are to be orphans", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", replicaSet(2));
    await until(() => podsOf(cluster).length === 2, "its pods");
    await cluster.delete("ReplicaSet", "web", { propagationPolicy: "Orphan" });
    await until(() => setOf(cluster) === undefined, "its end");
    assert.equal(podsOf(cluster).length, 2);
    await cluster.write("create", replicaSet(2));
    await until(() => setOf(cluster)?.status?.replicas === 2, "its return to them");
    await cluster.delete("ReplicaSet", "web");
    await until(() => podsOf(cluster).length === 0, "the end of its pods");
  });
});
