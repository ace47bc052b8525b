import assert from "node:assert/strict";
import { AppError, isAppError } from "#core/errors.ts";
import { podManifest, startTestCluster } from "../../support/control-plane.ts";
import type { FakeSession } from "../../support/fake-agent.ts";
import { until } from "../../support/until.ts";

describe("Delete", () => {
  it("removes a pod that no node has at once", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    assert.equal(await cluster.delete("Pod", "web"), true);
    assert.equal(cluster.pod("web"), undefined);
  });

  it("gives a bound pod its own grace period, a second one may only shorten it, and 0 ends it at once", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web", { terminationGracePeriodSeconds: 12 }));
    await until(() => session.view.pods.size === 1, "the pod at its agent");
    const grace = () => cluster.pod("web")?.metadata?.deletionGracePeriodSeconds;
    assert.equal(await cluster.delete("Pod", "web"), false);
    assert.equal(grace(), 12);
    assert.equal(cluster.pod("web")?.metadata?.deletionTimestamp, "2026-01-01T00:00:12Z");
    await cluster.delete("Pod", "web", { gracePeriodSeconds: 60 });
    assert.equal(grace(), 12);
    await cluster.delete("Pod", "web", { gracePeriodSeconds: 3 });
    assert.equal(grace(), 3);
    assert.equal(await cluster.delete("Pod", "web", { gracePeriodSeconds: 0 }), true);
    assert.equal(cluster.pod("web"), undefined);
    await until(() => session.view.pods.size === 0, "the removal at the agent");
  });

  it("leaves a pod to its node also while that is NotReady", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    await until(() => session.view.pods.size === 1, "the pod at its agent");
    session.kill();
    await cluster.clock.advance(3_000);
    assert.equal(await cluster.delete("Pod", "web"), false);
    assert.ok(cluster.pod("web"));
  });

  it("keeps an object until its last finalizer is taken away", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", {}, { finalizers: ["example.com/a", "example.com/b"] }));
    assert.equal(await cluster.delete("Pod", "web"), false);
    await cluster.write("update", podManifest("web", {}, { finalizers: ["example.com/b"] }));
    await assert.rejects(
      cluster.write("update", podManifest("web", {}, { finalizers: ["example.com/b", "example.com/c"] })),
      /no new finalizers can be added if the object is being deleted/,
    );
    assert.ok(cluster.pod("web"));
    await cluster.write("update", podManifest("web"));
    assert.equal(cluster.pod("web"), undefined);
  });

  it("refuses another object than the one that is meant", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const refused = cluster.delete("Pod", "web", { uid: "of-another" });
    await assert.rejects(
      refused,
      (error) => error instanceof AppError && error.kind === "conflict" && /Precondition failed/.test(error.message),
    );
    const uid = cluster.pod("web")?.metadata?.uid ?? "";
    assert.equal(await cluster.delete("Pod", "web", { uid }), true);
  });

  it("refuses a negative grace period, and an object that isn't there", async () => {
    await using cluster = await startTestCluster();
    await assert.rejects(cluster.delete("Pod", "web", { gracePeriodSeconds: -1 }), (error) => isAppError(error, "invalid"));
    await assert.rejects(cluster.delete("Pod", "web"), (error) => isAppError(error, "not-found"));
  });
});

describe("the deletion of a namespace", () => {
  const manifest = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } };

  it("ends its contents, takes nothing new, and ends with the last of them", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", [manifest, podManifest("bound"), podManifest("unbound", { nodeSelector: { no: "node" } })], {
      namespace: "team",
    });
    const pod = await until(() => [...session.view.pods.values()][0], "the pod at its agent");
    assert.equal(await cluster.delete("Namespace", "team"), false);
    assert.equal(cluster.namespace("team")?.status?.phase, "Terminating");
    await until(() => cluster.pod("unbound", "team") === undefined, "the unbound pod to go");
    await until(() => cluster.pod("bound", "team")?.metadata?.deletionTimestamp, "the end of the bound pod to begin");
    await assert.rejects(cluster.write("create", podManifest("late"), { namespace: "team" }), (error) => {
      assert.ok(isAppError(error, "forbidden"));
      assert.match(
        error.message,
        /^pods "late" is forbidden: unable to create new content in namespace team because it is being terminated$/,
      );
      return true;
    });
    assert.ok(cluster.namespace("team"));
    session.report({ namespace: "team", name: "bound", uid: pod.metadata?.uid ?? "", gone: true });
    await until(() => cluster.namespace("team") === undefined, "the namespace to be gone");
    assert.deepEqual(cluster.store.list("pods/team/").entries, []);
  });

  it("lets no pod slip in at the same moment", async () => {
    await using cluster = await startTestCluster();
    for (let round = 0; round < 20; round++) {
      await cluster.write("apply", manifest);
      const writes = Array.from({ length: 5 }, (_, i) => cluster.write("create", podManifest(`p${i}`), { namespace: "team" }));
      await Promise.allSettled([...writes.slice(0, 2), cluster.delete("Namespace", "team"), ...writes.slice(2)]);
      await until(() => cluster.namespace("team") === undefined, "the namespace to be gone");
      assert.deepEqual(cluster.store.list("pods/team/").entries, []);
    }
  });

  it("waits for its own finalizers", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", { ...manifest, metadata: { name: "team", finalizers: ["example.com/a"] } });
    await cluster.delete("Namespace", "team");
    await cluster.write("update", manifest);
    await until(() => cluster.namespace("team") === undefined, "the namespace to be gone");
  });
});

describe("a pod without a node", () => {
  it("that its maker bound to a node that never was waits for that node", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("early", { nodeName: "node-1" }));
    const { session } = await cluster.joinReady("node-1");
    await until(() => session.view.pods.size === 1, "the pod at its agent");
  });

  it("says why none takes it, and is scheduled when one does", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web", { nodeSelector: { disk: "ssd" } }));
    const condition = () => cluster.pod("web")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    await until(() => condition()?.message === "no nodes available to schedule pods", "the first reason");
    assert.equal(condition()?.reason, "Unschedulable");
    await cluster.joinReady("node-1");
    await until(
      () => condition()?.message === "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
      "the second reason",
    );
    const { session } = await cluster.joinReady("node-2", { labels: { disk: "ssd" } });
    await until(() => session.view.pods.size === 1, "the pod at its agent");
    assert.deepEqual([condition()?.status, condition()?.message], ["True", undefined]);
  });

  it("is spread over the nodes with others, evenly", async () => {
    await using cluster = await startTestCluster();
    const sessions: FakeSession[] = [];
    for (const name of ["node-1", "node-2", "node-3"]) sessions.push((await cluster.joinReady(name)).session);
    await cluster.write(
      "create",
      Array.from({ length: 30 }, (_, i) => podManifest(`web-${i}`)),
    );
    await until(() => sessions.every(({ view }) => view.pods.size === 10), "ten pods on each node");
  });
});
