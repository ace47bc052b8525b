/* Names in a cluster, from a Service that a user applies to a program in a pod, and what becomes of them when things die. */

import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { until } from "../support/until.ts";

const web = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web" },
  spec: { clusterIP: "10.96.0.77", ports: [{ name: "http", port: 80 }] },
};

describe("cluster DNS", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.makePods(podOf({ name: "client", node: "node-1" }));
  });
  after(() => cluster[Symbol.asyncDispose]());

  const inPod = async (name: string) => (await cluster.podwire("exec", "client", "--", "getent", "ahostsv4", name)).stdout;
  const onNode = (node: string) =>
    cluster.onHost(node, "dig", "@10.96.0.10", "+short", "+tries=1", "+time=1", "web.default.svc.cluster.local");

  it("tells pods and nodes of a Service that is made, and forgets one that is deleted", async () => {
    assert.equal(await inPod("web"), "");
    await cluster.apply(web);
    await until(async () => (await inPod("web")).startsWith("10.96.0.77 "), "the name");
    for (const node of ["node-1", "node-2"]) {
      await until(async () => (await onNode(node)).trim() === "10.96.0.77", `the name on ${node}`);
    }
    await cluster.makePods(podOf({ name: "late", node: "node-2" }));
    const variables = 'echo "$WEB_SERVICE_HOST $WEB_PORT_80_TCP_PORT $KUBERNETES_SERVICE_HOST"';
    assert.equal(await cluster.run("exec", "late", "--", "sh", "-c", variables), "10.96.0.77 80 10.96.0.1\n");
    await cluster.run("delete", "service", "web");
    await until(async () => (await inPod("web")) === "", "the name to go");
  });

  it("answers while the control plane is away, from an agent that starts meanwhile too", async () => {
    await cluster.apply(web);
    await until(async () => (await onNode("node-1")).trim() === "10.96.0.77", "the name");
    const { controlPlane } = cluster.pids;
    const old = cluster.pids.agent("node-1");
    // Long enough for the agent to have written down what it knows.
    await until(
      async () => (await cluster.onHost("node-1", "cat", `${cluster.dir}/state/node-1/services.json`)).includes("10.96.0.77"),
      "the file",
    );
    process.kill(controlPlane, "SIGSTOP");
    try {
      assert.equal((await onNode("node-1")).trim(), "10.96.0.77");
      process.kill(old, "SIGKILL");
      await until(async () => (await onNode("node-1").catch(() => "")).trim() === "10.96.0.77", "the next agent to answer");
      assert.equal(
        await cluster.onHost("node-2", "dig", "@10.96.0.10", "+short", "web.default.svc.cluster.local"),
        "10.96.0.77\n",
      );
    } finally {
      process.kill(controlPlane, "SIGCONT");
    }
  });
});
