import assert from "node:assert/strict";
import { createManualClock, createScaledClock } from "#core/clock.ts";
import { eventKind } from "#core/objects/event.ts";
import { podKind } from "#core/objects/pod.ts";
import { evictionMs } from "../../../control-plane/controllers/taint-eviction.ts";
import { listObjects } from "../../../control-plane/state/objects.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

const startMs = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(startMs + seconds * 1_000).toISOString();

describe("when a pod must go from a tainted node", () => {
  const taint = { key: "gpu", value: "yes", effect: "NoExecute", timeAdded: at(-10) };
  const cases: { title: string; tolerations: object[]; taints?: object[]; want: number | undefined }[] = [
    { title: "never without a taint", tolerations: [], taints: [], want: undefined },
    { title: "at once where it does not tolerate the taint", tolerations: [{ key: "other", operator: "Exists" }], want: 0 },
    { title: "never where it tolerates it", tolerations: [{ key: "gpu", operator: "Exists" }], want: undefined },
    {
      title: "so long after the taint came as it tolerates it",
      tolerations: [{ operator: "Exists", tolerationSeconds: 30 }],
      want: 20,
    },
    {
      title: "by the shortest of several tolerations",
      tolerations: [
        { operator: "Exists" },
        { key: "gpu", value: "yes", tolerationSeconds: 15 },
        { operator: "Exists", tolerationSeconds: 60 },
      ],
      want: 5,
    },
    {
      title: "at once where it tolerates it for less than nothing",
      tolerations: [{ operator: "Exists", tolerationSeconds: -5 }],
      want: -10,
    },
    {
      title: "by the first of several taints",
      tolerations: [{ operator: "Exists", tolerationSeconds: 30 }],
      taints: [taint, { key: "older", effect: "NoExecute", timeAdded: at(-20) }],
      want: 10,
    },
    {
      title: "from now on where the taint does not say when it came",
      tolerations: [{ operator: "Exists", tolerationSeconds: 30 }],
      taints: [{ key: "gpu", effect: "NoExecute" }],
      want: 30,
    },
  ];
  it("sooner where the cluster's time is compressed", () => {
    const pod = podKind.fromJson({ spec: { tolerations: [{ operator: "Exists", tolerationSeconds: 300 }] } });
    const clock = createScaledClock(createManualClock(startMs), 20);
    assert.equal(evictionMs(pod, [{ ...taint, timeAdded: at(0) }], clock), startMs + 15_000);
  });
  for (const { title, tolerations, taints = [taint], want } of cases) {
    it(title, () => {
      const pod = podKind.fromJson({ spec: { tolerations } });
      assert.equal(evictionMs(pod, taints, createManualClock(startMs)), want === undefined ? undefined : startMs + want * 1_000);
    });
  }
});

describe("the taint eviction controller", () => {
  const isEnding = (cluster: TestCluster, name: string) => cluster.pod(name)?.metadata?.deletionTimestamp !== undefined;

  interface TwoNodes extends TestCluster {
    /** The time passes, in steps in which the agent of node-2 is heard. */
    pass(ms: number): Promise<void>;
  }

  async function startWithPods(): Promise<TwoNodes> {
    // 300 seconds are 15.
    const cluster = await startTestCluster({ timeScale: 20 });
    await cluster.joinReady("node-1");
    await cluster.write("create", [
      podManifest("web"),
      podManifest("short", {
        tolerations: [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 30 }],
      }),
      podManifest("loyal", { tolerations: [{ operator: "Exists" }] }),
    ]);
    await until(() => ["web", "short", "loyal"].every((name) => cluster.pod(name)?.spec?.nodeName === "node-1"), "scheduled");
    const { session } = await cluster.joinReady("node-2");
    await cluster.write("create", podManifest("pulse", { nodeName: "node-2" }));
    let beatCount = 0;
    const beat = async () => {
      const podIP = `10.244.1.${(beatCount++ % 250) + 2}`;
      session.reportRunning(cluster.pod("pulse") ?? assert.fail(), podIP);
      await until(() => cluster.pod("pulse")?.status?.podIP === podIP, "heard");
    };
    const pass = async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 500) {
        await cluster.clock.advance(500);
        await beat();
      }
    };
    return { ...cluster, pass };
  }

  const isTainted = (cluster: TestCluster) => cluster.node("node-1")?.spec?.taints?.length === 2;

  it("taints a node that is lost, and evicts its pods after as long as they tolerate that", async () => {
    await using cluster = await startWithPods();
    await cluster.pass(4_000);
    await until(() => isTainted(cluster), "tainted");
    assert.deepEqual(
      cluster.node("node-1")?.spec?.taints.map(({ key, effect }) => `${key}:${effect}`),
      ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
    );
    await until(async () => {
      await cluster.pass(500);
      return isEnding(cluster, "short");
    }, "the pod of 30 seconds ends");
    assert.ok(cluster.clock.wallMs() - startMs >= 4_500, "not before its time");
    assert.equal(isEnding(cluster, "web"), false);
    const condition = cluster.pod("short")?.status?.conditions.find(({ type }) => type === "DisruptionTarget");
    assert.equal(condition?.reason, "DeletionByTaintManager");
    await until(async () => {
      await cluster.pass(500);
      return isEnding(cluster, "web");
    }, "the pod of five minutes ends");
    assert.ok(cluster.clock.wallMs() - startMs >= 18_000, "not before its time");
    assert.equal(isEnding(cluster, "loyal"), false);
    const evictions = () =>
      listObjects(cluster.store, eventKind).filter(({ object }) => object.reason === "TaintManagerEviction");
    await until(() => evictions().length === 2, "two events");
    assert.equal(evictions()[0]?.object.message?.startsWith("Marking for deletion Pod default/"), true);
  });

  it("takes the taints away, and evicts nothing, where the node comes back in time", async () => {
    await using cluster = await startWithPods();
    await cluster.pass(3_500);
    await until(() => isTainted(cluster), "tainted");
    const { session } = await cluster.joinReady("node-1");
    await until(() => (cluster.node("node-1")?.spec?.taints ?? []).length === 0, "not tainted");
    const loyal = cluster.pod("loyal") ?? assert.fail();
    for (let i = 0; i < 20; i++) {
      // What is seen of a report says that the agent was heard.
      session.reportRunning(loyal, `10.244.0.${i + 2}`);
      await until(() => cluster.pod("loyal")?.status?.podIP === `10.244.0.${i + 2}`, "heard");
      await cluster.clock.advance(2_000);
    }
    assert.equal(isEnding(cluster, "short"), false);
  });

  it("evicts nothing where all nodes are lost, and goes on when one comes back", async () => {
    await using cluster = await startWithPods();
    await cluster.pass(3_500);
    await until(() => isTainted(cluster), "tainted");
    for (let i = 0; i < 40; i++) await cluster.clock.advance(1_000);
    const effects = () => (cluster.node("node-1")?.spec?.taints ?? []).map(({ effect }) => effect);
    await until(() => effects().join() === "NoSchedule", "no longer driving");
    assert.equal(isEnding(cluster, "web"), false);
    await cluster.joinReady("node-2");
    await until(() => isTainted(cluster), "tainted again");
  });

  it("lets no pod of a node that comes back be what another pod is by now", async () => {
    await using cluster = await startWithPods();
    const old = cluster.pod("short") ?? assert.fail();
    await cluster.pass(3_500);
    await until(async () => {
      await cluster.pass(500);
      return isEnding(cluster, "short");
    }, "evicted");
    // Its name is free when its node has said that it is gone, or when somebody who knows better says so.
    await assert.rejects(cluster.write("create", podManifest("short")), { kind: "already-exists" });
    await cluster.delete("Pod", "short", { gracePeriodSeconds: 0 });
    await cluster.write("create", podManifest("short"));
    const fresh = await until(() => cluster.pod("short")?.spec?.nodeName === "node-2" && cluster.pod("short"), "elsewhere");

    const { session } = await cluster.joinReady("node-1");
    assert.deepEqual(
      [...session.view.pods.values()].map(({ metadata }) => metadata?.name).sort(),
      ["loyal", "web"],
      "the agent ends what it is not told of",
    );
    session.reportRunning(old, "10.244.0.99");
    session.reportRunning(cluster.pod("loyal") ?? assert.fail(), "10.244.0.98");
    await until(() => cluster.pod("loyal")?.status?.podIP === "10.244.0.98", "heard");
    assert.equal(cluster.pod("short")?.metadata?.uid, fresh.metadata?.uid);
    assert.notEqual(cluster.pod("short")?.status?.podIP, "10.244.0.99");
  });

  it("evicts pods that don't tolerate a user's taint, at once", async () => {
    await using cluster = await startWithPods();
    const node = cluster.node("node-1");
    const taints = [{ key: "drain", effect: "NoExecute" }];
    await cluster.write("update", { ...node, status: undefined, spec: { ...node?.spec, taints } });
    await until(() => isEnding(cluster, "web") && isEnding(cluster, "short"), "evicted");
    assert.equal(isEnding(cluster, "loyal"), false);
    assert.equal(cluster.node("node-1")?.spec?.taints[0]?.timeAdded, "2026-01-01T00:00:00Z");
  });

  it("taints a node that is cordoned, until it is not", async () => {
    await using cluster = await startWithPods();
    const cordon = (name: string, unschedulable: boolean | null) =>
      cluster.client.patch(
        {
          ...{ kind: "Node", namespace: "", name, type: "merge", validate: "", dryRun: false, subresource: "" },
          json: JSON.stringify({ spec: { unschedulable } }),
        },
        { signal: AbortSignal.timeout(5_000) },
      );
    await cordon("node-1", true);
    await cordon("node-2", true);
    await until(() => cluster.node("node-1")?.spec?.taints?.[0]?.key === "node.kubernetes.io/unschedulable", "tainted");
    await cluster.write("create", podManifest("late"));
    await until(() => cluster.pod("late")?.status?.conditions.length === 1, "a decision");
    assert.equal(cluster.pod("late")?.status?.conditions[0]?.message, "0/2 nodes are available: 2 node(s) were unschedulable.");
    await cordon("node-1", null);
    await until(() => cluster.pod("late")?.spec?.nodeName === "node-1", "scheduled");
    await until(() => (cluster.node("node-1")?.spec?.taints ?? []).length === 0, "not tainted");
    assert.equal(isEnding(cluster, "web"), false);
  });
});
