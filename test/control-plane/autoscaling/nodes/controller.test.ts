import assert from "node:assert/strict";
import { eventKind } from "#core/objects/event.ts";
import { nodeKind } from "#core/objects/node.ts";
import { nodeGroupKind } from "#core/objects/node-group.ts";
import { podKind } from "#core/objects/pod.ts";
import { findObject, listObjects } from "../../../../control-plane/state/objects.ts";
import { startTestCluster, type TestCluster } from "../../../support/control-plane.ts";
import type { FakeSession } from "../../../support/fake-agent.ts";
import { until } from "../../../support/until.ts";

/** A scan is 500 ms, ten minutes are 30 s. */
const timeScale = 20;
const labels = { "podwire.dev/node-group": "default" };

interface Grown extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly sessions: Map<string, FakeSession>;
  /** Another node of the group, as a provider would bring it. */
  add(name: string): Promise<void>;
  group(): { readonly target: number | undefined; readonly size: number | undefined; readonly removable: readonly string[] };
  events(reason: string): readonly string[];
  /** So much time, with every agent heard. */
  pass(ms: number): Promise<void>;
}

async function startGroup(spec: object): Promise<Grown> {
  const cluster = await startTestCluster({ timeScale });
  const sessions = new Map<string, FakeSession>();
  const add = async (name: string) => {
    const agent = await cluster.join(name, { labels });
    const session = agent.openSession({ capacity: { cpu: "1", memory: "1Gi", pods: "10" } });
    await session.ready();
    sessions.set(name, session);
  };
  await add("node-1");
  await cluster.write("create", {
    ...{ apiVersion: "podwire.dev/v1", kind: "NodeGroup", metadata: { name: "default" } },
    spec: { minSize: 1, maxSize: 3, ...spec },
  });
  const status = () => findObject(cluster.store, nodeGroupKind, { name: "default" })?.object.status;
  await until(() => status()?.targetSize === 1, "the group to be counted");
  return {
    ...{ cluster, sessions, add },
    group: () => ({ target: status()?.targetSize, size: status()?.size, removable: status()?.removableNodes ?? [] }),
    events: (reason) =>
      listObjects(cluster.store, eventKind).flatMap(({ object }) => (object.reason === reason ? [object.message ?? ""] : [])),
    async pass(ms) {
      for (let passed = 0; passed < ms; passed += 500) {
        for (const session of sessions.values()) session.heartbeat();
        for (const { object: pod } of listObjects(cluster.store, podKind)) {
          const session = sessions.get(pod.spec?.nodeName ?? "");
          const { name = "", uid = "", deletionTimestamp } = pod.metadata ?? {};
          if (deletionTimestamp !== undefined) session?.report({ name, uid, gone: true });
          else if (pod.status?.phase === "Pending") session?.reportRunning(pod);
        }
        await cluster.clock.advance(500);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions.values()) await session[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

function deployment(replicas: number) {
  const own = { app: "web" };
  const containers = [{ name: "main", image: "podwire/toolbox", resources: { requests: { cpu: "400m" } } }];
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
    spec: { replicas, selector: { matchLabels: own }, template: { metadata: { labels: own }, spec: { containers } } },
  };
}

const eventually = (grown: Grown, met: () => boolean, what: string) =>
  until(async () => {
    if (met()) return true;
    await grown.pass(500);
    return met();
  }, what);

describe("the node autoscaler", () => {
  it("wants nodes for pods that fit nowhere, and gives those up that nobody needs, without a pod lost", async () => {
    await using grown = await startGroup({ provider: "test" });
    await grown.cluster.write("create", deployment(4));
    await eventually(grown, () => grown.group().target === 2, "another node to be wanted");
    await until(() => grown.events("TriggeredScaleUp").length > 0, "the events");
    assert.equal(grown.events("TriggeredScaleUp")[0], "pod triggered scale-up: [{default 1->2 (max: 3)}]");
    assert.deepEqual(grown.events("ScaledUpGroup"), ["Scale-up: setting group default size to 2 instead of 1 (max: 3)"]);
    await grown.add("node-2");
    const placed = () => listObjects(grown.cluster.store, podKind).every(({ object }) => (object.spec?.nodeName ?? "") !== "");
    await eventually(grown, placed, "all pods to be placed");
    await grown.cluster.write("apply", deployment(2));
    await eventually(grown, () => listObjects(grown.cluster.store, podKind).length === 2, "two pods");
    await eventually(grown, () => grown.group().removable.length === 1, "a node to be removable");
    const [name = ""] = grown.group().removable;
    assert.equal(grown.group().target, 1);
    assert.deepEqual(
      listObjects(grown.cluster.store, podKind).filter(({ object }) => object.spec?.nodeName === name),
      [],
    );
    const taints = findObject(grown.cluster.store, nodeKind, { name })?.object.spec?.taints ?? [];
    assert.ok(taints.some(({ key }) => key === "ToBeDeletedByClusterAutoscaler"));
    await grown.cluster.delete("Node", name);
    await eventually(grown, () => grown.group().size === 1 && grown.group().removable.length === 0, "the group to forget it");
  });

  it("leaves what has a pod of nobody, however little is asked of it", async () => {
    await using grown = await startGroup({ minSize: 0, provider: "test" });
    await grown.cluster.write("create", {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "alone" } },
      spec: { containers: [{ name: "main", image: "podwire/toolbox" }] },
    });
    await grown.pass(40_000);
    assert.deepEqual(grown.group(), { target: 1, size: 1, removable: [] });
  });

  it("only says what it would do where nobody makes its hosts", async () => {
    await using grown = await startGroup({});
    await grown.cluster.write("create", deployment(4));
    await eventually(grown, () => grown.events("ScaleUp").length > 0, "the event");
    assert.deepEqual(grown.events("ScaleUp"), ["would set group default size to 2 instead of 1 (max: 3): it has no provider"]);
    assert.equal(grown.group().target, 1);
  });

  it("waits no longer than a quarter of an hour for a node that does not come", async () => {
    await using grown = await startGroup({ provider: "test" });
    await grown.cluster.write("create", deployment(4));
    await eventually(grown, () => grown.group().target === 2, "another node to be wanted");
    await grown.cluster.delete("Deployment", "web");
    await grown.pass(46_000);
    assert.equal(grown.group().target, 1);
    assert.deepEqual(grown.events("ScaleUpTimedOut"), ["Nodes added to group default failed to register within 15m0s"]);
  });
});
