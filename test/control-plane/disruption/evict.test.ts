import assert from "node:assert/strict";
import { eventKind } from "#core/objects/event.ts";
import type { PodDisruptionBudget } from "#proto/podwire/v1/resources.ts";
import { listObjects } from "../../../control-plane/state/objects.ts";
import { podManifest, startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import type { FakeSession } from "../../support/fake-agent.ts";
import { until } from "../../support/until.ts";

const signal = AbortSignal.timeout(60_000);

describe("the eviction of pods", () => {
  let cluster: TestCluster;
  let session: FakeSession;
  beforeEach(async () => {
    cluster = await startTestCluster();
    ({ session } = await cluster.joinReady("node-1"));
    const names = ["a", "b", "c"];
    await cluster.write(
      "create",
      names.map((name) => podManifest(name, {}, { labels: { app: "web" } })),
    );
    await until(() => session.view.pods.size === 3, "scheduled");
    for (const name of names) session.reportRunning(cluster.pod(name) ?? assert.fail());
    await until(() => names.every((name) => cluster.pod(name)?.status?.phase === "Running"), "running");
  });
  afterEach(() => cluster[Symbol.asyncDispose]());

  const budget = (name: string, spec: object) => ({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { selector: { matchLabels: { app: "web" } }, ...spec },
  });
  const statusOf = (name: string) =>
    (cluster.store.get(`poddisruptionbudgets/default/${name}`)?.value as PodDisruptionBudget | undefined)?.status;
  const evict = (name: string, more: object = {}) =>
    cluster.client.evict({ namespace: "", name, dryRun: false, ...more }, { signal });
  const isEnding = (name: string) => cluster.pod(name)?.metadata?.deletionTimestamp !== undefined;

  it("is a deletion where no budget has anything to say", async () => {
    const { gone } = await evict("a", { gracePeriodSeconds: 7 });
    assert.equal(gone, false);
    assert.equal(cluster.pod("a")?.metadata?.deletionGracePeriodSeconds, 7);
    const condition = cluster.pod("a")?.status?.conditions.find(({ type }) => type === "DisruptionTarget");
    assert.deepEqual([condition?.reason, condition?.message], ["EvictionByEvictionAPI", "Eviction API: evicting"]);
    await assert.rejects(evict("nope"), { kind: "not-found", message: 'pods "nope" not found' });
    await assert.rejects(evict("b", { uid: "another" }), { kind: "conflict" });
  });

  it("is refused where a budget is used up, and allowed again when a pod is back", async () => {
    await cluster.write("create", budget("web", { minAvailable: 2 }));
    await until(() => statusOf("web")?.disruptionsAllowed === 1, "looked at");
    // Two at once: one budget pays once.
    const outcomes = await Promise.allSettled([evict("a"), evict("b")]);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    await assert.rejects(evict("c"), { kind: "exhausted", reason: "TooManyRequests" });
    assert.equal(isEnding("c"), false);
    const victim = isEnding("a") ? "a" : "b";
    // Again for one that ends already costs nothing.
    await evict(victim);
    await until(() => Object.keys(statusOf("web")?.disruptedPods ?? {}).length === 0, "forgotten");
    session.report({ name: victim, uid: cluster.pod(victim)?.metadata?.uid ?? "", gone: true });
    await until(() => cluster.pod(victim) === undefined, "gone");
    await cluster.write("create", podManifest("d", {}, { labels: { app: "web" } }));
    await until(() => cluster.pod("d")?.spec?.nodeName !== undefined, "scheduled");
    session.reportRunning(cluster.pod("d") ?? assert.fail());
    await until(() => statusOf("web")?.disruptionsAllowed === 1, "one more");
    await evict("c");
    assert.equal(isEnding("c"), true);
  });

  it("changes nothing as a dry run", async () => {
    await cluster.write("create", budget("web", { minAvailable: 2 }));
    await until(() => statusOf("web")?.disruptionsAllowed === 1, "looked at");
    await evict("a", { dryRun: true });
    await evict("b", { dryRun: true });
    assert.deepEqual([isEnding("a"), isEnding("b"), statusOf("web")?.disruptionsAllowed], [false, false, 1]);
  });

  it("is refused where two budgets are about one pod", async () => {
    await cluster.write("create", [budget("one", { minAvailable: 0 }), budget("two", { minAvailable: 0 })]);
    await assert.rejects(evict("a"), {
      reason: "InternalError",
      message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    });
  });

  it("says of a budget that nobody fits in it", async () => {
    await cluster.write("create", budget("web", { maxUnavailable: 1, selector: { matchLabels: { app: "other" } } }));
    await until(() => statusOf("web")?.conditions.length === 1, "looked at");
    const reasons = () => listObjects(cluster.store, eventKind).map(({ object }) => object.reason);
    await until(() => reasons().includes("NoPods"), "an event");
  });
});
