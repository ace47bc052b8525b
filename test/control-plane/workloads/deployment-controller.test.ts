import assert from "node:assert/strict";
import type { Deployment, Pod } from "#proto/podwire/v1/resources.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { startFakeKubelet } from "../../support/fake-kubelet.ts";
import { until } from "../../support/until.ts";

function manifest(name: string, replicas: number, spec: object = {}): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "web", image: "podwire/toolbox:1" }] } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template, ...spec },
  };
}

const deploymentOf = ({ store }: TestCluster, name: string) =>
  store.get(`deployments/default/${name}`)?.value as Deployment | undefined;
const podsOf = ({ store }: TestCluster) => store.list("pods/default/").entries.map(({ value }) => value as Pod);
const isAvailable = (cluster: TestCluster, name: string, replicas: number) =>
  until(
    () => deploymentOf(cluster, name)?.status?.availableReplicas === replicas,
    `${replicas} available pods of ${name}`,
    20_000,
  );

describe("Deployments in a control plane", () => {
  it("converge with work that grows with their pods, and no faster", async () => {
    const commitsFor = async (replicas: number): Promise<number> => {
      await using cluster = await startTestCluster();
      const { session } = await cluster.joinReady("node-1");
      await using _kubelet = startFakeKubelet(session);
      const before = cluster.store.revision;
      await cluster.write("create", manifest("web", replicas));
      await isAvailable(cluster, "web", replicas);
      return cluster.store.revision - before;
    };
    const [small, large] = [await commitsFor(10), await commitsFor(50)];
    // Each pod is bound and reports once; its set and its Deployment count it at most once each.
    assert.ok(small <= 10 * 6 + 15, `${small} commits for 10 pods`);
    assert.ok(large <= 50 * 6 + 15, `${large} commits for 50 pods`);
  });

  it("tell each other's pods apart", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("create", [manifest("a", 2), manifest("b", 3)]);
    await isAvailable(cluster, "a", 2);
    await isAvailable(cluster, "b", 3);
    await cluster.delete("Deployment", "a");
    await until(() => podsOf(cluster).length === 3, "the pods of the other one alone");
  });

  it("are found by a control plane that starts anew, and go on", async () => {
    await using store = openMemoryStore();
    {
      await using cluster = await startTestCluster({ store });
      await cluster.write("create", manifest("web", 3));
      await until(() => podsOf(cluster).length > 0, "the first pods");
    }
    await using cluster = await startTestCluster({ store });
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await isAvailable(cluster, "web", 3);
    assert.equal(podsOf(cluster).length, 3);
  });

  it("end with their namespace and make nothing in it meanwhile", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("create", { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
    await cluster.write("create", manifest("web", 3), { namespace: "shop" });
    await until(() => cluster.store.list("pods/shop/").entries.length === 3, "its pods");
    await cluster.delete("Namespace", "shop");
    await until(() => cluster.namespace("shop") === undefined, "the end of the namespace");
    for (const prefix of ["deployments/", "replicasets/", "pods/"]) assert.equal(cluster.store.list(prefix).entries.length, 0);
  });

  it("adopt the ReplicaSet that a deletion left", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", manifest("web", 1));
    await until(() => podsOf(cluster).length === 1, "its pod");
    await cluster.delete("Deployment", "web", { propagationPolicy: "Orphan" });
    await until(() => deploymentOf(cluster, "web") === undefined, "its end");
    await cluster.write("create", manifest("web", 1));
    await until(() => deploymentOf(cluster, "web")?.status?.replicas === 1, "its return");
    assert.equal(cluster.store.list("replicasets/").entries.length, 1);
    assert.equal(podsOf(cluster).length, 1);
  });

  it("take another name where somebody else's ReplicaSet has theirs", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", manifest("web", 1));
    await until(() => podsOf(cluster).length === 1, "its pod");
    const name = cluster.store.list("replicasets/").entries[0]?.key.split("/")[2] ?? "";
    await cluster.delete("Deployment", "web");
    await until(() => cluster.store.list("replicasets/").entries.length === 0, "its end");
    const labels = { app: "other" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "x", image: "podwire/toolbox" }] } };
    const foreign = { replicas: 0, selector: { matchLabels: labels }, template };
    await cluster.write("create", {
      apiVersion: "apps/v1",
      kind: "ReplicaSet",
      metadata: { name },
      spec: foreign,
    });
    await cluster.write("create", manifest("web", 1));
    await until(() => podsOf(cluster).length === 1, "its pod again");
    assert.equal(deploymentOf(cluster, "web")?.status?.collisionCount, 1);
    assert.equal(cluster.store.list("replicasets/").entries.length, 2);
  });
});
