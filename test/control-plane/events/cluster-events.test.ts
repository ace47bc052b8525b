import assert from "node:assert/strict";
import { eventKind } from "#core/objects/event.ts";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { listObjects } from "../../../control-plane/state/objects.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

function events(cluster: TestCluster): readonly Event[] {
  return listObjects(cluster.store, eventKind).map(({ object }) => object);
}

async function eventOf(cluster: TestCluster, reason: string, name: string): Promise<Event> {
  const find = () => events(cluster).find((event) => event.reason === reason && event.involvedObject?.name === name);
  await until(() => find() !== undefined, `an event ${reason} of ${name}`);
  return find() ?? assert.fail();
}

describe("events of a cluster", () => {
  it("say of a pod that nothing takes it, then that it is scheduled", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("web"));
    const failed = await eventOf(cluster, "FailedScheduling", "web");
    assert.equal(failed.message, "no nodes available to schedule pods");
    assert.equal(failed.type, "Warning");
    assert.equal(failed.source?.component, "default-scheduler");
    await cluster.joinReady("node-1");
    const scheduled = await eventOf(cluster, "Scheduled", "web");
    assert.equal(scheduled.message, "Successfully assigned default/web to node-1");
    assert.equal(scheduled.involvedObject?.uid, cluster.pod("web")?.metadata?.uid);
    assert.equal(scheduled.type, "Normal");
  });

  it("say of a node that it registers, gets ready, and not ready, and of its pods that it is not ready", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    await eventOf(cluster, "RegisteredNode", "node-1");
    await eventOf(cluster, "NodeReady", "node-1");
    await until(() => cluster.pod("web")?.spec?.nodeName === "node-1", "scheduled");
    session.reportRunning(cluster.pod("web") ?? assert.fail());
    await until(() => cluster.pod("web")?.status?.phase === "Running", "running");
    await cluster.clock.advance(4_000);
    const notReady = await eventOf(cluster, "NodeNotReady", "node-1");
    assert.equal(notReady.message, "Node node-1 status is now: NodeNotReady");
    assert.equal((await eventOf(cluster, "NodeNotReady", "web")).message, "Node is not ready");
    await cluster.delete("Node", "node-1");
    await eventOf(cluster, "RemovingNode", "node-1");
  });

  it("are what a node's agent says of its pods, and of no others", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    const other = await cluster.joinReady("node-2");
    await cluster.write("create", podManifest("web", { nodeName: "node-1" }));
    const { uid = "" } = cluster.pod("web")?.metadata ?? {};
    const said = { namespace: "default", name: "web", uid, type: "Normal", fieldPath: "spec.containers{main}" };
    other.session.send({ $case: "podEvent", value: { ...said, reason: "Lie", message: "not mine" } });
    session.send({ $case: "podEvent", value: { ...said, uid: "old", reason: "Late", message: "another pod" } });
    for (let i = 0; i < 2; i++) {
      session.send({ $case: "podEvent", value: { ...said, reason: "Started", message: "Started container main" } });
    }
    const started = await eventOf(cluster, "Started", "web");
    assert.deepEqual({ ...started.source }, { component: "kubelet", host: "node-1" });
    assert.equal(started.involvedObject?.fieldPath, "spec.containers{main}");
    await until(() => events(cluster).some(({ reason, count }) => reason === "Started" && count === 2), "both counted");
    other.session.heartbeat();
    await until(() => cluster.node("node-2") !== undefined, "node-2");
    assert.deepEqual(
      events(cluster).filter(({ reason }) => reason === "Lie" || reason === "Late"),
      [],
    );
  });

  it("go with their namespace", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
      podManifest("web", {}, { namespace: "team" }),
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "team" } },
      { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "team" } },
    ]);
    await eventOf(cluster, "FailedScheduling", "web");
    await cluster.delete("Namespace", "team");
    await until(() => cluster.namespace("team") === undefined, "the namespace is gone");
    for (const prefix of ["pods/", "configmaps/", "secrets/", "events/"]) {
      assert.deepEqual(cluster.store.list(`${prefix}team/`).entries, []);
    }
  });
});
