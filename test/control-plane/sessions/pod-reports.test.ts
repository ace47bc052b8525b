import assert from "node:assert/strict";
import { PodStatus } from "#proto/podwire/v1/resources.ts";
import { podManifest, startTestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

describe("an agent's report", () => {
  it("becomes the pod's status, beside the scheduler's condition", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    session.reportRunning(await until(() => [...session.view.pods.values()][0], "the pod"), "10.244.0.7");
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the phase");
    const status = cluster.pod("web")?.status;
    assert.equal(status?.podIP, "10.244.0.7");
    assert.deepEqual(status?.conditions.map(({ type, status: is }) => `${type}=${is}`).sort(), [
      "ContainersReady=True",
      "PodScheduled=True",
      "Ready=True",
    ]);
  });

  it("says when a condition changed, by the cluster's clock", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    const since = () => cluster.pod("web")?.status?.conditions.find(({ type }) => type === "Ready")?.lastTransitionTime;
    session.reportRunning(pod, "10.244.0.7");
    await until(() => since() === "2026-01-01T00:00:00Z", "the first time");
    await cluster.clock.advance(1_000);
    session.reportRunning(pod, "10.244.0.8");
    await until(() => cluster.pod("web")?.status?.podIP === "10.244.0.8", "the second report");
    assert.equal(since(), "2026-01-01T00:00:00Z");
    const { name = "", uid = "" } = pod.metadata ?? {};
    const status = PodStatus.fromJSON({ conditions: [{ type: "Ready", status: "False" }] });
    session.report({ name, uid, status });
    await until(() => since() === "2026-01-01T00:00:01Z", "the time of the change");
  });

  it("is ignored where the pod is another node's, has another uid, or is gone", async () => {
    await using cluster = await startTestCluster();
    const one = (await cluster.joinReady("node-1")).session;
    const two = (await cluster.joinReady("node-2")).session;
    await cluster.write("create", [podManifest("a", { nodeName: "node-1" }), podManifest("b", { nodeName: "node-2" })]);
    const a = await until(() => [...one.view.pods.values()][0], "the pod a");
    const b = await until(() => [...two.view.pods.values()][0], "the pod b");
    two.reportRunning(a, "10.9.9.9");
    two.reportRunning(
      { ...b, metadata: { ...a.metadata, ...b.metadata, uid: "of-an-earlier-pod" } as typeof b.metadata },
      "10.9.9.9",
    );
    two.report({ name: "nobody", uid: "x", gone: true });
    two.reportRunning(b, "10.244.1.2");
    await until(() => cluster.pod("b")?.status?.podIP === "10.244.1.2", "the rightful report");
    assert.equal(cluster.pod("a")?.status?.phase, "Pending");
  });

  it("is written in the order of its pod's reports, however many come at once", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    for (let i = 1; i <= 1_000; i++) session.reportRunning(pod, `10.244.${i >> 8}.${i & 255}`);
    const seen: string[] = [];
    const written = await until(() => {
      const podIP = cluster.pod("web")?.status?.podIP ?? "";
      if (podIP !== seen.at(-1)) seen.push(podIP);
      return podIP === "10.244.3.232";
    }, "the last report");
    assert.ok(written);
    const order = seen
      .filter((podIP) => podIP !== "")
      .map((podIP) => Number(podIP.split(".")[2]) * 256 + Number(podIP.split(".")[3]));
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  it("that the pod is gone removes it once its deletion began, and not before", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    const { name = "", uid = "" } = pod.metadata ?? {};
    session.report({ name, uid, gone: true, status: failed("early") });
    await until(() => cluster.pod("web")?.status?.reason === "early", "the early report");
    assert.equal(await cluster.delete("Pod", "web", { gracePeriodSeconds: 5 }), true, "a failed pod has nothing to wait for");
    await until(() => session.view.pods.size === 0, "the removal at the agent");
  });

  it("that a running pod is gone removes it after its deletion", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    session.reportRunning(pod);
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the phase");
    assert.equal(await cluster.delete("Pod", "web", { gracePeriodSeconds: 7 }), false);
    const ending = await until(
      () => [...session.view.pods.values()].find(({ metadata }) => metadata?.deletionTimestamp !== undefined),
      "the deletion at the agent",
    );
    assert.equal(ending.metadata?.deletionGracePeriodSeconds, 7);
    assert.ok(cluster.pod("web"), "it stays until its node has ended it");
    session.report({ name: "web", uid: pod.metadata?.uid ?? "", gone: true });
    await until(() => cluster.pod("web") === undefined, "the pod to be gone");
    await until(() => session.view.pods.size === 0, "the removal at the agent");
  });

  it("that a pod with a finalizer is gone leaves it to whoever set the finalizer", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("apply", podManifest("web", {}, { finalizers: ["example.com/keep"] }));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    session.reportRunning(pod);
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the phase");
    await cluster.delete("Pod", "web");
    session.report({ name: "web", uid: pod.metadata?.uid ?? "", gone: true });
    await until(() => cluster.pod("web")?.metadata?.deletionGracePeriodSeconds === 0, "the end of its grace");
    await cluster.write("apply", podManifest("web"));
    assert.equal(cluster.pod("web"), undefined);
  });
});

function failed(reason: string) {
  return { phase: "Failed", reason, conditions: [], hostIPs: [], podIPs: [], containerStatuses: [], initContainerStatuses: [] };
}
