import assert from "node:assert/strict";
import type { Deployment } from "#proto/podwire/v1/resources.ts";
import { startTestCluster } from "../support/control-plane.ts";
import { startFakeKubelet } from "../support/fake-kubelet.ts";
import { until } from "../support/until.ts";

const labels = { app: "web" };
const deployment = (spec: object) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: "web", image: "podwire/toolbox" }] } },
    ...spec,
  },
});

describe("a compressed cluster", () => {
  it("has its controllers' times, and not those of its nodes", async () => {
    await using cluster = await startTestCluster({ timeScale: 20, heartbeatTimeoutMs: 60_000 });
    const status = () => (cluster.store.get("deployments/default/web")?.value as Deployment | undefined)?.status;
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("apply", deployment({ minReadySeconds: 100, progressDeadlineSeconds: 600 }));
    await until(() => status()?.readyReplicas === 1, "a ready pod");
    await cluster.clock.advance(4_000);
    assert.equal(status()?.availableReplicas ?? 0, 0);
    await until(async () => {
      await cluster.clock.advance(250);
      return status()?.availableReplicas === 1;
    }, "an available pod");
    assert.ok(cluster.clock.monotonicMs() <= 10_000, "long before a hundred seconds");
    assert.equal(cluster.node("node-1")?.status?.conditions[0]?.status, "True");
  });

  for (const [timeScale, intervalMs] of [
    [1, 5_000],
    [4, 1_250],
    [20, 500],
  ] as const) {
    it(`has its nodes measure every ${intervalMs} ms where time is ${timeScale} times as fast`, async () => {
      await using cluster = await startTestCluster({ timeScale });
      const { session } = await cluster.joinReady("node-1");
      assert.equal(session.welcome?.metricsIntervalMs, intervalMs);
    });
  }

  it("gives rollouts up sooner", async () => {
    await using cluster = await startTestCluster({ timeScale: 20 });
    await cluster.write("apply", deployment({ progressDeadlineSeconds: 600 }));
    const reason = () =>
      (cluster.store.get("deployments/default/web")?.value as Deployment | undefined)?.status?.conditions.find(
        ({ type }) => type === "Progressing",
      )?.reason;
    await until(() => reason() !== undefined, "a rollout");
    await cluster.clock.advance(29_000);
    assert.notEqual(reason(), "ProgressDeadlineExceeded");
    await until(async () => {
      await cluster.clock.advance(500);
      return reason() === "ProgressDeadlineExceeded";
    }, "its end");
    assert.ok(cluster.clock.monotonicMs() <= 60_000);
  });
});
