import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { createTestCli } from "../../support/cli.ts";
import { startTestCluster } from "../../support/control-plane.ts";
import { startFakeKubelet } from "../../support/fake-kubelet.ts";
import { until } from "../../support/until.ts";

const set = (kind: string, spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: kind.toLowerCase() },
  spec: {
    selector: { matchLabels: { app: kind } },
    template: { metadata: { labels: { app: kind } }, spec: { containers: [{ name: "main", image: "podwire/toolbox" }] } },
    ...spec,
  },
});

describe("StatefulSets and DaemonSets on the command line", () => {
  it("are scaled, restarted and followed until they are done", async () => {
    await using cluster = await startTestCluster({ heartbeatTimeoutMs: 600_000 });
    const cli = createTestCli({ server: cluster.address, clock: cluster.clock });
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("apply", [set("StatefulSet", { replicas: 1 }), set("DaemonSet")]);
    assert.equal((await cli.type("scale sts/statefulset --replicas=2")).stdout, "statefulset.apps/statefulset scaled\n");
    const { code, stdout } = await cli.type("rollout status sts/statefulset");
    assert.equal(code, 0);
    assert.match(stdout, /partitioned roll out complete: 2 new pods have been updated\.\.\.\n$/);
    assert.match((await cli.type("rollout status ds/daemonset")).stdout, /daemon set "daemonset" successfully rolled out\n$/);

    const uids = () => cluster.store.list("pods/default/").entries.map(({ value }) => (value as Pod).metadata?.uid ?? "");
    const before = new Set(uids());
    assert.equal(before.size, 3);
    await cluster.clock.advance(1_000);
    assert.equal((await cli.type("rollout restart ds/daemonset")).stdout, "daemonset.apps/daemonset restarted\n");
    assert.equal((await cli.type("rollout restart sts/statefulset")).stdout, "statefulset.apps/statefulset restarted\n");
    await until(() => uids().length === 3 && uids().every((uid) => !before.has(uid)), "other pods");
    assert.equal((await cli.type("rollout status sts/statefulset")).code, 0);
    assert.equal((await cli.type("rollout status ds/daemonset")).code, 0);
    const { stderr } = await cli.type("rollout undo ds/daemonset");
    assert.equal(stderr, "error: no rollbacker has been implemented for DaemonSet\n");
  });
});
