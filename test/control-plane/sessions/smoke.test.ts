import assert from "node:assert/strict";
import { podManifest, startTestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

describe("a control plane with two agents", () => {
  it("brings a pod from apply to Running", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.joinReady("node-2");
    await until(() => session.view.peers.has("node-2"), "node-2 among the peers");
    const [result] = await cluster.write("apply", podManifest("web"));
    assert.equal(result?.action, "created");
    const pod = await until(() => [...session.view.pods.values()][0], "the pod at its agent");
    session.reportRunning(pod);
    await until(() => cluster.pod("web")?.status?.phase === "Running", "the pod's phase");
  });
});
