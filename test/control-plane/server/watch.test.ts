import assert from "node:assert/strict";
import { isAppError } from "#core/errors.ts";
import type { WatchBatch, WatchRequest } from "#proto/podwire/v1/cluster.ts";
import { openMemoryStore } from "../../../control-plane/store/open-store.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { until } from "../../support/until.ts";

interface Watching extends Disposable {
  readonly batches: readonly WatchBatch[];
  /** "ADDED web", in the order in which they came. */
  events(): string[];
  readonly ended: Promise<unknown>;
}

function watch(cluster: TestCluster, request: Partial<WatchRequest> = {}): Watching {
  const controller = new AbortController();
  const batches: WatchBatch[] = [];
  const read = async () => {
    const full = { kind: "Pod", namespace: "", labelSelector: "", fieldSelector: "", resourceVersion: "", ...request };
    for await (const batch of cluster.client.watch(full, { signal: controller.signal })) batches.push(batch);
  };
  return {
    batches,
    events: () =>
      batches.flatMap(({ events }) => events.map(({ type, object }) => `${type} ${object?.object?.value.metadata?.name}`)),
    ended: read().then(
      () => undefined,
      (error) => error,
    ),
    [Symbol.dispose]: () => controller.abort(),
  };
}

/** A watch that was not told to keep quiet gets the scheduler's writes too; a selector of the pods' names does not help there. */
const quiet = { nodeName: "nowhere" };

describe("Watch", () => {
  it("begins with what is there, then tells each change", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("a", quiet));
    using watching = watch(cluster);
    await until(() => watching.batches.some(({ synced }) => synced), "the present objects");
    assert.deepEqual(watching.events(), ["ADDED a"]);
    await cluster.write("create", podManifest("b", quiet));
    await cluster.write("update", podManifest("a", quiet, { labels: { x: "1" } }));
    await cluster.delete("Pod", "b");
    await until(() => watching.events().length === 4, "three changes");
    assert.deepEqual(watching.events().slice(1), ["ADDED b", "MODIFIED a", "DELETED b"]);
  });

  it("goes on from any version that it gave, without a gap and without a repetition", async () => {
    await using cluster = await startTestCluster();
    using whole = watch(cluster);
    await until(() => whole.batches.length > 0, "the beginning");
    for (let i = 0; i < 12; i++) await cluster.write("create", podManifest(`p${i}`, quiet));
    await until(() => whole.events().length === 12, "twelve changes");
    for (const [i, batch] of whole.batches.entries()) {
      using resumed = watch(cluster, { resourceVersion: batch.resourceVersion });
      const rest = whole.batches
        .slice(i + 1)
        .flatMap(({ events }) => events.map(({ object }) => object?.object?.value.metadata?.name));
      await until(() => resumed.events().length >= rest.length, `the rest after batch ${i}`);
      assert.deepEqual(
        resumed.events(),
        rest.map((name) => `ADDED ${name}`),
      );
    }
  });

  it("goes on from the version of a list", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", podManifest("a", quiet));
    const request = { kind: "Pod", namespace: "", labelSelector: "", fieldSelector: "" };
    let resourceVersion = "";
    for await (const batch of cluster.client.list(request, { signal: AbortSignal.timeout(5_000) }))
      resourceVersion = batch.resourceVersion;
    await cluster.write("create", podManifest("b", quiet));
    using watching = watch(cluster, { resourceVersion });
    await until(() => watching.events().length > 0, "the change");
    assert.deepEqual(watching.events(), ["ADDED b"]);
  });

  for (const selector of [{ labelSelector: "app=web" }, { fieldSelector: "metadata.name=a" }]) {
    it(`with ${JSON.stringify(selector)} tells of an object when it begins to match, and when it stops`, async () => {
      await using cluster = await startTestCluster();
      using watching = watch(cluster, selector);
      const label = (app: string) => cluster.write("apply", podManifest("a", quiet, { labels: { app } }));
      await until(() => watching.batches.length > 0, "the beginning");
      await cluster.write("create", podManifest("other", quiet, { labels: { app: "db" } }));
      for (const app of ["db", "web", "web2", "web"]) await label(app);
      await cluster.delete("Pod", "a");
      await until(() => watching.events().at(-1) === "DELETED a" && watching.events().length >= 4, "the end");
      const wanted =
        "labelSelector" in selector
          ? ["ADDED a", "DELETED a", "ADDED a", "DELETED a"]
          : ["ADDED a", "MODIFIED a", "MODIFIED a", "MODIFIED a", "DELETED a"];
      assert.deepEqual(watching.events(), wanted);
    });
  }

  it("tells of one namespace where the request names it", async () => {
    await using cluster = await startTestCluster();
    using watching = watch(cluster, { namespace: "kube-system" });
    await until(() => watching.batches.length > 0, "the beginning");
    await cluster.write("create", [podManifest("a", quiet), podManifest("b", quiet, { namespace: "kube-system" })]);
    await until(() => watching.events().length > 0, "the change");
    assert.deepEqual(watching.events(), ["ADDED b"]);
  });

  it("from a version that was forgotten is too old, from nonsense invalid", async () => {
    await using store = openMemoryStore();
    await using cluster = await startTestCluster({ store });
    await cluster.write("create", podManifest("a", quiet));
    await store.compact(store.revision);
    using old = watch(cluster, { resourceVersion: "1" });
    assert.ok(isAppError(await old.ended, "too-old"));
    using nonsense = watch(cluster, { resourceVersion: "soon" });
    assert.ok(isAppError(await nonsense.ended, "invalid"));
    using selector = watch(cluster, { labelSelector: "a in (" });
    assert.ok(isAppError(await selector.ended, "invalid"));
  });
});

describe("List", () => {
  it("comes in batches of at most 256 KiB, all of one version, in the order of names", async () => {
    await using cluster = await startTestCluster();
    const annotations = { note: "x".repeat(50_000) };
    const names = Array.from({ length: 30 }, (_, i) => `pod-${String(i).padStart(2, "0")}`);
    await cluster.write(
      "create",
      names.map((name) => podManifest(name, quiet, { annotations })),
    );
    const request = { kind: "pods", namespace: "default", labelSelector: "", fieldSelector: "" };
    const seen: string[] = [];
    const versions = new Set<string>();
    let batchCount = 0;
    for await (const batch of cluster.client.list(request, { signal: AbortSignal.timeout(5_000) })) {
      batchCount += 1;
      versions.add(batch.resourceVersion);
      seen.push(...batch.items.map(({ object }) => object?.value.metadata?.name ?? ""));
      assert.ok(batch.items.length <= 5, `${batch.items.length} items of 50 kB`);
    }
    assert.deepEqual(seen, names);
    assert.equal(versions.size, 1);
    assert.ok(batchCount >= 6);
  });

  it("selects by labels and fields", async () => {
    await using cluster = await startTestCluster();
    await cluster.write("create", [
      podManifest("a", { nodeName: "node-1" }, { labels: { app: "web" } }),
      podManifest("b", { nodeName: "node-2" }, { labels: { app: "web" } }),
      podManifest("c", { nodeName: "node-1" }),
    ]);
    const request = { kind: "Pod", namespace: "", labelSelector: "app in (web)", fieldSelector: "spec.nodeName=node-1" };
    const names: (string | undefined)[] = [];
    for await (const batch of cluster.client.list(request, { signal: AbortSignal.timeout(5_000) })) {
      names.push(...batch.items.map(({ object }) => object?.value.metadata?.name));
    }
    assert.deepEqual(names, ["a"]);
  });
});
