import assert from "node:assert/strict";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { refusal } from "../../support/refusal.ts";
import { until } from "../../support/until.ts";

interface Owned {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string; readonly ownerReferences?: readonly object[] };
}

const read = ({ store }: TestCluster, key: string) => store.get(key)?.value as Owned | undefined;

function configMap(name: string, owners: readonly object[] = [], metadata: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ownerReferences: owners, ...metadata } };
}

async function make(cluster: TestCluster, manifest: object): Promise<string> {
  const [made] = await cluster.write("create", manifest);
  return made?.object?.object?.value.metadata?.uid ?? "";
}

const reference = (name: string, uid: string, more: object = {}) => ({
  ...{ apiVersion: "v1", kind: "ConfigMap", name, uid },
  ...more,
});

/** A ConfigMap `top`, which owns `middle`, which owns the pod `leaf`. */
async function makeFamily(cluster: TestCluster): Promise<void> {
  const top = await make(cluster, configMap("top"));
  const middle = await make(cluster, configMap("middle", [reference("top", top, { blockOwnerDeletion: true })]));
  await make(cluster, podManifest("leaf", {}, { ownerReferences: [reference("middle", middle, { blockOwnerDeletion: true })] }));
}

const has = (cluster: TestCluster, name: string) => read(cluster, `configmaps/default/${name}`) !== undefined;

describe("the deletion of an owner", () => {
  it("in the background takes what it owns after it, and what that owns", async () => {
    await using cluster = await startTestCluster();
    await makeFamily(cluster);
    assert.equal(await cluster.delete("ConfigMap", "top"), true);
    await until(() => !has(cluster, "middle") && cluster.pod("leaf") === undefined, "the end of the family");
  });

  it("in the foreground waits for what it owns, down to a pod that still runs", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await makeFamily(cluster);
    const leaf = await until(() => [...session.view.pods.values()][0], "the pod on its node");
    session.reportRunning(leaf);
    assert.equal(await cluster.delete("ConfigMap", "top", { propagationPolicy: "Foreground" }), false);
    await until(() => cluster.pod("leaf")?.metadata?.deletionTimestamp, "the pod's ending");
    assert.ok(has(cluster, "top") && has(cluster, "middle"));
    session.report({ name: "leaf", uid: leaf.metadata?.uid ?? "", gone: true });
    await until(() => !has(cluster, "top") && !has(cluster, "middle"), "the end of its owners");
  });

  it("leaves orphans where it is asked to", async () => {
    await using cluster = await startTestCluster();
    await makeFamily(cluster);
    await cluster.delete("ConfigMap", "top", { propagationPolicy: "Orphan" });
    await until(() => !has(cluster, "top"), "the owner's end");
    const middle = read(cluster, "configmaps/default/middle");
    assert.equal(middle?.metadata.deletionTimestamp, undefined);
    assert.deepEqual(middle?.metadata.ownerReferences ?? [], []);
    assert.ok(cluster.pod("leaf") !== undefined);
  });

  it("only takes its name from what has another owner", async () => {
    await using cluster = await startTestCluster();
    const [a, b] = [await make(cluster, configMap("a")), await make(cluster, configMap("b"))];
    await make(cluster, configMap("shared", [reference("a", a), reference("b", b)]));
    await cluster.delete("ConfigMap", "a");
    const owners = () => read(cluster, "configmaps/default/shared")?.metadata.ownerReferences;
    await until(() => owners()?.length === 1, "the other owner alone");
    assert.deepEqual(owners(), [reference("b", b)]);
  });

  it("waits for the finalizers of others", async () => {
    await using cluster = await startTestCluster();
    const top = await make(cluster, configMap("top"));
    await make(cluster, configMap("kept", [reference("top", top)], { finalizers: ["example.com/backup"] }));
    await cluster.delete("ConfigMap", "top");
    await until(() => read(cluster, "configmaps/default/kept")?.metadata.deletionTimestamp, "the beginning of its end");
    await cluster.write("update", configMap("kept", [reference("top", top)]));
    assert.equal(has(cluster, "kept"), false);
  });

  it("can be asked for again in another way", async () => {
    await using cluster = await startTestCluster();
    const top = await make(cluster, configMap("top"));
    const finalizers = ["example.com/backup"];
    const owners = [reference("top", top, { blockOwnerDeletion: true })];
    await make(cluster, configMap("kept", owners, { finalizers }));
    assert.equal(await cluster.delete("ConfigMap", "top", { propagationPolicy: "Foreground" }), false);
    assert.equal(await cluster.delete("ConfigMap", "top", { propagationPolicy: "Background" }), true);
  });

  it("wants one of three words", async () => {
    await using cluster = await startTestCluster();
    await make(cluster, configMap("top"));
    const { message } = await refusal(cluster.delete("ConfigMap", "top", { propagationPolicy: "Later" }));
    assert.match(message, /Invalid value: "Later": needs to be one of "Foreground", "Background", "Orphan"/);
  });
});

describe("an object whose owner isn't there", () => {
  it("goes, wherever it came from", async () => {
    await using cluster = await startTestCluster();
    await make(cluster, configMap("lost", [reference("nobody", "0-0")]));
    await until(() => !has(cluster, "lost"), "its end");
  });

  it("stays where nobody knows the owner's kind", async () => {
    await using cluster = await startTestCluster();
    const foreign = { apiVersion: "example.com/v1", kind: "Database", name: "main", uid: "1" };
    await make(cluster, configMap("foreign", [foreign]));
    await make(cluster, configMap("lost", [reference("nobody", "0-0")]));
    await until(() => !has(cluster, "lost"), "the end of the other one");
    assert.ok(has(cluster, "foreign"));
  });
});
