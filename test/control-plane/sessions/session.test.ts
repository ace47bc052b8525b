import assert from "node:assert/strict";
import { parseCidr } from "#core/cidr.ts";
import { isAppError } from "#core/errors.ts";
import { createQueue } from "#core/queue.ts";
import { AgentService, type SessionUp } from "#proto/podwire/v1/agent.ts";
import { type Pod, PodStatus } from "#proto/podwire/v1/resources.ts";
import { createRpcClient } from "#rpc/client.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { joinToken, podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { type FakeSession, joinFakeAgent } from "../../support/fake-agent.ts";
import { until } from "../../support/until.ts";

function readyOf(cluster: TestCluster, name: string) {
  return cluster.node(name)?.status?.conditions?.find(({ type }) => type === "Ready");
}

function podReady(pod: Pod | undefined): string | undefined {
  return pod?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

describe("Join", () => {
  it("makes a Node with a block, labels and a hash in place of the credential", async () => {
    await using cluster = await startTestCluster();
    const agent = await cluster.join("node-1", { labels: { zone: "a" } });
    const node = cluster.node("node-1");
    assert.equal(node?.spec?.podCIDR, "10.244.0.0/24");
    assert.deepEqual(node?.metadata?.labels, { zone: "a", "kubernetes.io/hostname": "node-1" });
    const stored = JSON.stringify(cluster.store.list("").entries);
    assert.ok(!stored.includes(agent.credential), "the credential itself is not stored");
    assert.ok(!stored.includes(joinToken));
  });

  it("gives 40 nodes that join at once 40 blocks", async () => {
    await using cluster = await startTestCluster();
    const names = Array.from({ length: 40 }, (_, i) => `node-${i}`);
    await Promise.all(names.map((name) => cluster.join(name)));
    assert.equal(new Set(names.map((name) => cluster.node(name)?.spec?.podCIDR)).size, 40);
  });

  it("refuses a name whose session is live, and takes it again when the session is gone", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    const before = cluster.node("node-1")?.spec?.podCIDR;
    await assert.rejects(cluster.join("node-1"), (error) => isAppError(error, "already-exists"));
    session.kill();
    await until(() => cluster.join("node-1").catch(() => undefined), "the name to be free");
    assert.equal(cluster.node("node-1")?.spec?.podCIDR, before, "the node keeps its block");
  });

  it("makes the credential of the join before worthless", async () => {
    await using cluster = await startTestCluster();
    const first = await cluster.join("node-1");
    await cluster.join("node-1");
    assert.ok(isAppError(await first.openSession().ended, "unauthenticated"));
  });

  it("names everything that is wrong with a node's name and labels", async () => {
    await using cluster = await startTestCluster();
    await assert.rejects(cluster.join("Node_1", { labels: { "a/b/c": "!" } }), (error) => {
      assert.ok(isAppError(error, "invalid"));
      assert.equal(error.message.split("\n").length, 3);
      return true;
    });
  });

  it("leaves a node without a block NotReady, says what to do, and gives it the first block that is freed", async () => {
    await using cluster = await startTestCluster({ podCidr: parseCidr("10.244.0.0/23") });
    await cluster.joinReady("node-1");
    await cluster.joinReady("node-2");
    const { session } = await cluster.joinReady("node-3");
    assert.deepEqual(session.view.podCIDRs, []);
    const condition = readyOf(cluster, "node-3");
    assert.equal(condition?.status, "False");
    assert.equal(condition?.reason, "CIDRNotAvailable");
    assert.match(condition?.message ?? "", /all 2 \/24 blocks of the pod CIDR 10\.244\.0\.0\/23 are taken: delete Node objects/);
    await cluster.delete("Node", "node-1");
    await until(() => session.view.podCIDRs[0] === "10.244.0.0/24", "the freed block at its agent");
    await until(() => readyOf(cluster, "node-3")?.status === "True", "node-3 Ready");
  });
});

describe("a session", () => {
  it("begins with a welcome and a snapshot, and makes the node Ready", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    assert.deepEqual(session.welcome, {
      epoch: 1,
      cluster: "test",
      podCIDR: "10.244.0.0/16",
      serviceCIDR: "10.96.0.0/16",
      loadBalancerCIDR: "10.97.0.0/24",
      metricsIntervalMs: 5_000,
    });
    assert.deepEqual(session.view.podCIDRs, ["10.244.0.0/24"]);
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
    const status = cluster.node("node-1")?.status;
    assert.deepEqual(status?.addresses, [
      { type: "InternalIP", address: "192.168.0.1" },
      { type: "Hostname", address: "node-1" },
    ]);
    assert.equal(cluster.node("node-1")?.metadata?.annotations?.["podwire.dev/tunnel-endpoint"], "192.168.0.1:4789");
  });

  it("gives both peers of a pair the same key, and each pair another", async () => {
    await using cluster = await startTestCluster();
    const sessions: FakeSession[] = [];
    for (const name of ["node-1", "node-2", "node-3"]) sessions.push((await cluster.joinReady(name)).session);
    const key = (from: number, to: string) => Buffer.from(sessions[from]?.view.peers.get(to)?.key ?? []).toString("hex");
    await until(() => sessions.every(({ view }) => view.peers.size === 2), "all peers everywhere");
    assert.equal(key(0, "node-2"), key(1, "node-1"));
    assert.equal(key(0, "node-2").length, 64);
    assert.equal(new Set([key(0, "node-2"), key(0, "node-3"), key(1, "node-3")]).size, 3);
  });

  it("tells a node of its own pods only, and when one is removed", async () => {
    await using cluster = await startTestCluster();
    const one = (await cluster.joinReady("node-1")).session;
    const two = (await cluster.joinReady("node-2")).session;
    await cluster.write("create", [podManifest("a", { nodeName: "node-1" }), podManifest("b", { nodeName: "node-2" })]);
    const names = (view: typeof one.view) => [...view.pods.values()].map((pod) => pod.metadata?.name);
    await until(() => one.view.pods.size > 0 && two.view.pods.size > 0, "the pods at their agents");
    assert.deepEqual([names(one.view), names(two.view)], [["a"], ["b"]]);
    await cluster.delete("Pod", "a", { gracePeriodSeconds: 0 });
    await until(() => one.view.pods.size === 0, "the removal at the agent");
    assert.deepEqual(names(two.view), ["b"]);
  });

  it("sends nothing for the node's own reports", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    const pod = await until(() => [...session.view.pods.values()][0], "the pod");
    const before = session.messageCount;
    for (let i = 2; i < 30; i++) session.reportRunning(pod, `10.244.0.${i}`);
    await until(() => cluster.pod("web")?.status?.podIP === "10.244.0.29", "the last report");
    await cluster.write("create", podManifest("other"));
    await until(() => session.view.pods.size === 2, "the other pod");
    assert.equal(session.messageCount, before + 1, "no message but the other pod's");
  });

  it("splits a large snapshot into messages that are far below gRPC's limit", async () => {
    await using cluster = await startTestCluster();
    const agent = await cluster.join("node-1");
    const annotations = { note: "x".repeat(100_000) };
    for (let i = 0; i < 60; i++) {
      await cluster.write("create", podManifest(`pod-${i}`, { nodeName: "node-1" }, { annotations }));
    }
    const session = agent.openSession();
    await session.ready();
    assert.equal(session.view.pods.size, 60);
    assert.ok(session.messageCount >= 30, `${session.messageCount} messages`);
  });

  it("needs a hello first", async () => {
    await using cluster = await startTestCluster();
    const agent = await cluster.join("node-1");
    for (const hello of [{ bootId: "" }, { internalIP: "300.1.1.1" }, { tunnelEndpoint: "nowhere" }]) {
      assert.ok(isAppError(await agent.openSession(hello).ended, "invalid"), JSON.stringify(hello));
    }
  });

  it("has 5 s for its hello", async () => {
    await using cluster = await startTestCluster();
    const { name, credential } = await cluster.join("node-1");
    const metadata = { "podwire-node": name, authorization: `Bearer ${credential}` };
    using client = createRpcClient(AgentService, { address: cluster.address, metadata });
    const silence = createQueue<SessionUp>({ limit: 1, whenFull: "fail" });
    const first = client.session(silence, { signal: AbortSignal.timeout(20_000) }).next();
    const refused = assert.rejects(first, (error) => isAppError(error, "timeout"));
    await until(async () => {
      await cluster.clock.advance(5_000);
      return Promise.race([refused.then(() => true), new Promise((resolve) => setImmediate(resolve, false))]);
    }, "the refusal");
  });

  it("labels the node with its platform, which manifests for Kubernetes select by", async () => {
    await using cluster = await startTestCluster();
    const agent = await cluster.join("node-1");
    await agent.openSession({ nodeInfo: { operatingSystem: "linux", architecture: "amd64" } }).ready();
    const labels = cluster.node("node-1")?.metadata?.labels;
    assert.equal(labels?.["kubernetes.io/os"], "linux");
    assert.equal(labels?.["kubernetes.io/arch"], "amd64");
  });

  it("has a larger epoch than the node's session before it, also after a restart of the control plane", async () => {
    await using store = openMemoryStore();
    const epochs: number[] = [];
    for (let run = 0; run < 2; run++) {
      await using cluster = await startTestCluster({ store });
      const agent = await cluster.join("node-1");
      for (let i = 0; i < 2; i++) {
        const session = agent.openSession();
        await session.ready();
        epochs.push(session.welcome?.epoch ?? 0);
        session.kill();
        await session.ended;
      }
    }
    assert.deepEqual(epochs, [1, 2, 3, 4]);
  });

  it("takes the place of the one before it at once when the agent was killed and started again", async () => {
    await using cluster = await startTestCluster();
    const { agent, session } = await cluster.joinReady("node-1");
    const second = agent.openSession({ bootId: "after the kill" });
    await second.ready();
    assert.ok(isAppError(await session.ended, "already-exists"));
    assert.equal(second.welcome?.epoch, 2);
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
  });

  it("is refused to a copy of the live agent and to one that was superseded, until the live one is silent", async () => {
    await using cluster = await startTestCluster();
    const agent = await cluster.join("node-1");
    await agent.openSession({ bootId: "old" }).ready();
    const live = agent.openSession({ bootId: "new" });
    await live.ready();
    for (const bootId of ["new", "old"]) {
      assert.ok(isAppError(await agent.openSession({ bootId }).ended, "already-exists"), bootId);
    }
    await cluster.clock.advance(3_000);
    assert.ok(isAppError(await live.ended, "unavailable"));
    await agent.openSession({ bootId: "old" }).ready();
  });

  it("ends when its node is deleted, whose block is free then and whose pods go", async () => {
    await using cluster = await startTestCluster();
    const { agent, session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    await until(() => session.view.pods.size === 1, "the pod at its agent");
    await cluster.delete("Node", "node-1");
    assert.ok(isAppError(await session.ended, "unauthenticated"));
    await until(() => cluster.pod("web") === undefined, "the pod to be gone");
    assert.deepEqual(cluster.store.list("allocations/podCIDR/").entries, []);
    assert.ok(isAppError(await agent.openSession().ended, "unauthenticated"), "the credential is worth nothing");
    const returned = await cluster.join("node-1", { previousPodCIDR: "10.244.0.0/24" });
    await returned.openSession().ready();
    assert.equal(cluster.node("node-1")?.spec?.podCIDR, "10.244.0.0/24");
  });

  it("works over TCP as over the socket", async () => {
    await using cluster = await startTestCluster({ listen: "127.0.0.1:0" });
    await using agent = await joinFakeAgent({ address: cluster.tcpAddress ?? "", name: "node-1", joinToken });
    const session = agent.openSession();
    await session.ready();
    assert.equal(session.welcome?.cluster, "test");
  });
});

describe("a node's heartbeats", () => {
  it("say when its host shuts down: it is not Ready from then on, takes no pods, and is Ready again with its next session", async () => {
    await using cluster = await startTestCluster();
    const { agent, session } = await cluster.joinReady("node-1");
    session.send({ $case: "shuttingDown", value: {} });
    await until(() => readyOf(cluster, "node-1")?.status === "False", "the node not Ready");
    const { reason, message } = readyOf(cluster, "node-1") ?? {};
    assert.deepEqual([reason, message], ["KubeletNotReady", "node is shutting down"]);
    session.heartbeat();
    await until(() => cluster.node("node-1")?.spec?.taints.some(({ effect }) => effect === "NoSchedule"), "its taint");
    assert.equal(readyOf(cluster, "node-1")?.status, "False");
    session.kill();
    await session.ended;
    await agent.openSession().ready();
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
  });

  it("keep it Ready; without them it is Unknown after the timeout, and its pods are not ready", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await cluster.write("create", podManifest("web"));
    session.reportRunning(await until(() => [...session.view.pods.values()][0], "the pod"));
    await until(() => podReady(cluster.pod("web")) === "True", "the pod ready");
    for (let i = 0; i < 4; i++) {
      await cluster.clock.advance(2_000);
      const acked = cluster.store.revision;
      session.heartbeat();
      // A report that changes nothing passes through after the heartbeat: when it was read, so was the heartbeat.
      session.report({ name: "web", uid: cluster.pod("web")?.metadata?.uid ?? "", status: echoOf(cluster.pod("web"), i) });
      await until(() => cluster.store.revision > acked, "the report behind the heartbeat");
    }
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
    await cluster.clock.advance(2_999);
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
    await cluster.clock.advance(1);
    await until(() => readyOf(cluster, "node-1")?.status === "Unknown", "the node Unknown");
    assert.equal(readyOf(cluster, "node-1")?.reason, "NodeStatusUnknown");
    assert.equal(readyOf(cluster, "node-1")?.message, "Kubelet stopped posting node status.");
    await until(() => podReady(cluster.pod("web")) === "False", "the pod not ready");
    assert.equal(cluster.pod("web")?.status?.phase, "Running", "nothing is evicted");
    assert.ok(isAppError(await session.ended, "unavailable"), "the silent session was ended, so that the agent reports anew");
  });

  it("are never written", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    const { revision } = cluster.store;
    for (let i = 0; i < 50; i++) session.heartbeat();
    session.send({ $case: "ack", value: { revision } });
    await cluster.client.info({}, { signal: AbortSignal.timeout(5_000) });
    assert.equal(cluster.store.revision, revision);
  });

  it("leave the node Ready while an agent that was killed comes back in time", async () => {
    await using cluster = await startTestCluster();
    const { agent, session } = await cluster.joinReady("node-1");
    session.kill();
    await session.ended;
    await cluster.clock.advance(2_000);
    const changed = cluster.node("node-1")?.status?.conditions[0]?.lastTransitionTime;
    await agent.openSession().ready();
    await cluster.clock.advance(2_900);
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
    assert.equal(readyOf(cluster, "node-1")?.lastTransitionTime, changed);
  });

  it("may be missing for the timeout after a start of the control plane", async () => {
    await using store = openMemoryStore();
    {
      await using cluster = await startTestCluster({ store });
      await cluster.joinReady("node-1");
    }
    await using cluster = await startTestCluster({ store });
    await cluster.clock.advance(2_999);
    assert.equal(readyOf(cluster, "node-1")?.status, "True");
    await cluster.clock.advance(1);
    await until(() => readyOf(cluster, "node-1")?.status === "Unknown", "the node Unknown");
  });

  it("may be missing for the timeout after a join, which makes no node Ready", async () => {
    await using cluster = await startTestCluster();
    await cluster.clock.advance(10_000);
    await cluster.join("node-1");
    await cluster.clock.advance(2_999);
    assert.equal(readyOf(cluster, "node-1"), undefined);
    await cluster.clock.advance(1);
    await until(() => readyOf(cluster, "node-1")?.reason === "NodeStatusNeverUpdated", "its condition");
  });

  it("were never there for a Node that a user made", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "paper" },
      spec: { podCIDR: "10.1.0.0/24" },
    });
    await cluster.clock.advance(3_000);
    await until(() => readyOf(cluster, "paper")?.reason === "NodeStatusNeverUpdated", "its condition");
    await until(() => cluster.node("paper")?.spec?.podCIDR === "10.244.0.0/24", "its block, of the cluster's range");
  });
});

function echoOf(pod: Pod | undefined, i: number) {
  assert.ok(pod?.status);
  return { ...PodStatus.fromJSON(pod.status), message: `report ${i}` };
}
