/* What is deleted leaves no trace on its nodes: pods, whole namespaces, nodes. */

import assert from "node:assert/strict";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf, serverPod } from "../support/pod-manifests.ts";
import { podTraces } from "../support/pod-traces.ts";
import { until } from "../support/until.ts";

describe("deleting", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.makePods(serverPod("stays", { node: "node-1" }));
  });

  after(() => cluster[Symbol.asyncDispose]());

  const tracesOn = (node: string) => podTraces(cluster, node);
  const processesOf = (pods: readonly Pod[]) => pods.flatMap((pod) => [...cluster.containerProcesses(pod)]);

  it("a namespace removes its pods, and every trace of them", async () => {
    const before_ = [await tracesOn("node-1"), await tracesOn("node-2")];
    assert.ok((before_[0]?.length ?? 0) >= 5, before_[0]?.join("\n"));
    assert.deepEqual(before_[1], []);
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
      podOf({ name: "a", namespace: "team", node: "node-1" }),
      podOf({ name: "b", namespace: "team", node: "node-2" }),
      podOf({ name: "c", namespace: "team", node: "node-2", command: ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"] }),
      podOf({ name: "d", namespace: "team", node: "node-2", command: ["true"], spec: { restartPolicy: "Never" } }),
    );
    await cluster.run("wait", "--for=condition=Ready", "-n", "team", "pod/a", "pod/b", "pod/c", "--timeout=20s");
    const pods = await Promise.all(["a", "b", "c"].map((name) => cluster.pod(name, "team")));
    assert.ok(pods.every((pod) => processesOf([pod]).length >= 2));
    await cluster.run("delete", "namespace", "team");
    assert.match((await cluster.podwire("get", "pods", "-n", "team")).stderr, /No resources found/);
    assert.match((await cluster.podwire("get", "namespace", "team")).stderr, /namespaces "team" not found/);
    assert.deepEqual(processesOf(pods), []);
    assert.deepEqual([await tracesOn("node-1"), await tracesOn("node-2")], before_);
    const late = await cluster.feed(JSON.stringify(podOf({ name: "late", namespace: "team" })), "apply", "-f", "-");
    assert.match(late.stderr, /namespaces "team" not found/);
  });

  it("a pod that never ran leaves nothing to wait for", async () => {
    await cluster.apply(
      podOf({ name: "never", spec: { nodeSelector: { no: "where" } } }),
      podOf({ name: "lost", node: "no-such-node" }),
    );
    await cluster.run("delete", "pod", "never", "lost");
  });

  it("a node removes its pods; its agent joins again, with the same block, and takes new pods", async () => {
    const [gone] = await cluster.makePods(serverPod("gone", { node: "node-2" }));
    assert.ok(gone);
    const before_ = await cluster.node("node-2");
    await cluster.run("delete", "node", "node-2");
    const again = await until(async () => newNode(before_), "a new node-2", 15_000);
    assert.equal(again.spec?.podCIDR, before_.spec?.podCIDR);
    await until(async () => (await cluster.podwire("get", "pod", "gone")).code === 1, "the end of its pod");
    await until(async () => (await tracesOn("node-2")).length === 0, "the end of its pod's traces");
    assert.deepEqual(processesOf([gone]), []);

    const [fresh] = await cluster.makePods(serverPod("fresh", { node: "node-2" }));
    assert.notEqual(fresh?.status?.podIP, gone.status?.podIP);
    const answer = await cluster.run(
      "exec",
      "stays",
      "--",
      "curl",
      "-s",
      "-m",
      "5",
      `http://${fresh?.status?.podIP}:8080/clientip`,
    );
    assert.equal(answer.split(":")[0], (await cluster.pod("stays")).status?.podIP);
  });

  const newNode = async ({ metadata }: Node): Promise<Node | undefined> => {
    const { code, stdout } = await cluster.podwire("get", "node", "node-2", "-o", "json");
    const node = code === 0 ? (JSON.parse(stdout) as Node) : undefined;
    const ready = node?.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True");
    return ready && node?.metadata?.uid !== metadata?.uid ? node : undefined;
  };
});
