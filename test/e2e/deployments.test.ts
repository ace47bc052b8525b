/* Deployments on a whole cluster: examples/deployment.yaml through its life, and rollouts under load. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Deployment, Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { until } from "../support/until.ts";

const image = (tag: string) => `registry.k8s.io/e2e-test-images/agnhost:${tag}`;
const example = readFileSync("examples/deployment.yaml");

describe("examples/deployment.yaml", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
    await cluster.feed(example, "apply", "-f", "-");
    await cluster.makePods(podOf({ name: "client", node: "node-1" }));
    await cluster.run("rollout", "status", "deploy/web", "--timeout=30s");
  });
  after(() => cluster[Symbol.asyncDispose]());

  const version = async () => {
    const { stdout } = await cluster.podwire("exec", "client", "--", "curl", "-s", "--max-time", "2", "http://web/version");
    return stdout;
  };
  const pods = async () =>
    (JSON.parse(await cluster.run("get", "pods", "-l", "app=web", "-o", "json")) as { items: Pod[] }).items;

  it("serves on both nodes, as the version that its image names", async () => {
    assert.deepEqual([...new Set((await pods()).map(({ spec }) => spec?.nodeName))].sort(), ["node-1", "node-2"]);
    await until(async () => (await version()) === "2.53", "the version");
    assert.match(await cluster.run("get", "deploy"), /\nweb +3\/3 +3 +3 /);
  });

  it("loses no request to a new version, and a proof says so", async () => {
    const { code, stdout, stderr } = await cluster.podwire(
      ...["rollout", "prove", "deploy/web", "--rps=200", "--timeout=60s", "--set", `image=${image("2.54")}`],
    );
    assert.equal(code, 0, `${stdout}${stderr}`);
    const [, sent] = /deployment\.apps\/web: ([0-9]+) requests from 2 nodes at 200 a second, 0 lost\n$/.exec(stdout) ?? [];
    assert.ok(Number(sent) > 200, stdout);
    assert.equal(await version(), "2.54");
    assert.equal((await pods()).length, 3);
    assert.doesNotMatch(await cluster.run("get", "namespaces"), /podwire-prove/);
  });

  it("names the pod and the race where there is no preStop", async () => {
    const patch = [{ op: "remove", path: "/spec/template/spec/containers/0/lifecycle" }];
    await cluster.run("patch", "deploy", "web", "--type=json", "-p", JSON.stringify(patch));
    await cluster.run("rollout", "status", "deploy/web", "--timeout=30s");
    const { code, stdout, stderr } = await cluster.podwire("rollout", "prove", "deploy/web", "--rps=500", "--timeout=60s");
    assert.equal(code, 1, `${stdout}${stderr}`);
    assert.match(stdout, /^lost after [0-9.]+ s from node-[12]: .+: web-\S+ \(node-[12]\) was told to end [0-9]+ ms before$/m);
    assert.match(
      stdout,
      /^web-\S+ \(node-[12]\) lost [0-9]+: it was told to end .* from node-[12] for [0-9]+ ms.*: no preStop hook/m,
    );
    assert.match(stderr, /error: the rollout of deployment\.apps\/web lost requests\n$/);
  });

  it("goes back to an older version, and grows", async () => {
    await cluster.run("rollout", "undo", "deploy/web", "--to-revision=1");
    await cluster.run("scale", "deploy/web", "--replicas=5");
    await cluster.run("rollout", "status", "deploy/web", "--timeout=30s");
    await until(async () => (await pods()).length === 5, "five pods");
    await until(async () => (await version()) === "2.53", "the first version");
    const deployment = JSON.parse(await cluster.run("get", "deploy", "web", "-o", "json")) as Deployment;
    assert.equal(deployment.status?.availableReplicas, 5);
  });

  it("takes its pods with it", async () => {
    await cluster.run("delete", "deploy/web", "--cascade=foreground", "--timeout=30s");
    assert.deepEqual(await pods(), []);
    assert.equal((await cluster.podwire("get", "rs")).stdout, "");
  });
});
