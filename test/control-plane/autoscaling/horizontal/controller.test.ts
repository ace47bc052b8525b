import assert from "node:assert/strict";
import { timestamp } from "#core/clock.ts";
import { deploymentKind } from "#core/objects/deployment.ts";
import { eventKind } from "#core/objects/event.ts";
import { horizontalPodAutoscalerKind } from "#core/objects/horizontal-pod-autoscaler.ts";
import { podKind } from "#core/objects/pod.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { findObject, listObjects } from "../../../../control-plane/state/objects.ts";
import { startTestCluster, type TestCluster } from "../../../support/control-plane.ts";
import type { FakeSession } from "../../../support/fake-agent.ts";
import { measurementOf } from "../../../support/measurements.ts";
import { until } from "../../../support/until.ts";

/** 15 seconds are 750 ms, five minutes 15 s. */
const timeScale = 20;
const syncMs = 750;

interface Scaled extends AsyncDisposable {
  readonly cluster: TestCluster;
  /** Reports all pods Ready and what each uses, and lets the autoscaler look so many times. */
  look(milliCores: number, times?: number): Promise<void>;
  replicas(): number;
  reasons(): Readonly<Record<string, string>>;
  events(reason: string): readonly string[];
}

function deployment(replicas: number, requests: object = { cpu: "100m" }) {
  const labels = { app: "web" };
  const containers = [{ name: "main", image: "podwire/toolbox", resources: { requests } }];
  return {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
  };
}

function autoscaler(spec: object = {}) {
  const target = { type: "Utilization", averageUtilization: 50 };
  return {
    ...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "web" } },
    spec: {
      ...{ scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, minReplicas: 2, maxReplicas: 10 },
      ...{ metrics: [{ type: "Resource", resource: { name: "cpu", target } }] },
      ...spec,
    },
  };
}

async function startScaled(...manifests: readonly object[]): Promise<Scaled> {
  const cluster = await startTestCluster({ timeScale });
  const { session } = await cluster.joinReady("node-1");
  await cluster.write("create", manifests);
  const pods = () => listObjects(cluster.store, podKind).map(({ object }) => object);
  const replicas = () =>
    findObject(cluster.store, deploymentKind, { namespace: "default", name: "web" })?.object.spec?.replicas ?? 0;
  const found = () => findObject(cluster.store, horizontalPodAutoscalerKind, { namespace: "default", name: "web" })?.object;
  const settle = async () => {
    await until(
      () => pods().filter(({ metadata }) => metadata?.deletionTimestamp === undefined).length === replicas(),
      "the pods",
    );
    await until(() => pods().every((pod) => (pod.spec?.nodeName ?? "") !== ""), "the pods to be placed");
    for (const pod of pods()) runOrEnd(session, pod, timestamp(cluster.clock));
    await until(
      () => pods().every(({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.phase === "Running"),
      "Running",
    );
  };
  return {
    cluster,
    async look(milliCores, times = 1) {
      for (let i = 0; i < times; i++) {
        await settle();
        // A whole window after the pods were Ready.
        await cluster.clock.advance(syncMs);
        session.heartbeat();
        const measurement = measurementOf("node-1", pods(), { milliCores });
        const when = { timestamp: timestamp(cluster.clock), windowMs: 0 };
        session.send({
          $case: "measurement",
          value: { ...measurement, pods: measurement.pods.map((pod) => ({ ...pod, ...when })) },
        });
        await until(async () => (await measuredCores(cluster)).every((cores) => cores === milliCores), "the measurement");
        await cluster.clock.advance(syncMs);
        await settle();
      }
    },
    replicas,
    reasons: () =>
      Object.fromEntries((found()?.status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`])),
    events: (reason) =>
      listObjects(cluster.store, eventKind).flatMap(({ object }) => (object.reason === reason ? [object.message ?? ""] : [])),
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

function runOrEnd(session: FakeSession, pod: Pod, now: string): void {
  const { namespace = "", name = "", uid = "", deletionTimestamp } = pod.metadata ?? {};
  if (deletionTimestamp !== undefined) session.report({ name, uid, gone: true });
  if (deletionTimestamp !== undefined || pod.status?.phase === "Running") return;
  const conditions = [{ type: "Ready", status: "True", lastTransitionTime: now }];
  const containerStatuses = [{ name: "main", ready: true, restartCount: 0, state: { running: {} } }];
  const status = { phase: "Running", startTime: now, podIP: "10.244.0.2", podIPs: [{ ip: "10.244.0.2" }], hostIPs: [] };
  session.report({ namespace, name, uid, status: { ...status, initContainerStatuses: [], conditions, containerStatuses } });
}

async function measuredCores(cluster: TestCluster): Promise<number[]> {
  const cores: number[] = [];
  const request = { namespace: "default", name: "", labelSelector: "", fieldSelector: "" };
  for await (const { items } of cluster.client.podMetrics(request, { signal: AbortSignal.timeout(10_000) })) {
    for (const { containers } of items) for (const { usage } of containers) cores.push((usage?.usageNanoCores ?? 0) / 1e6);
  }
  return cores;
}

describe("the horizontal pod autoscaler", () => {
  it("follows the load up at once, and down after its window", async () => {
    await using scaled = await startScaled(deployment(2), autoscaler());
    await scaled.look(100);
    assert.equal(scaled.replicas(), 4);
    await until(() => scaled.events("SuccessfulRescale").length === 1, "the event");
    assert.deepEqual(scaled.events("SuccessfulRescale"), [
      "New size: 4; reason: cpu resource utilization (percentage of request) above target",
    ]);
    await scaled.look(50, 3);
    assert.equal(scaled.replicas(), 4);
    await scaled.look(5, 3);
    assert.equal(scaled.replicas(), 4);
    assert.deepEqual(scaled.reasons().AbleToScale, "True ScaleDownStabilized");
    await scaled.look(5, 12);
    assert.equal(scaled.replicas(), 2);
    assert.deepEqual(scaled.reasons(), {
      AbleToScale: "True ReadyForNewScale",
      ScalingActive: "True ValidMetricFound",
      ScalingLimited: "True TooFewReplicas",
    });
  });

  it("keeps to its most", async () => {
    await using scaled = await startScaled(deployment(2), autoscaler({ maxReplicas: 3 }));
    await scaled.look(100);
    assert.equal(scaled.replicas(), 3);
    await scaled.look(100);
    assert.equal(scaled.replicas(), 3);
    assert.equal(scaled.reasons().ScalingLimited, "True TooManyReplicas");
  });

  it("brings a workload into its bounds without any metric", async () => {
    await using scaled = await startScaled(deployment(1), autoscaler());
    await until(() => scaled.replicas() === 2, "the least");
    await until(() => scaled.events("SuccessfulRescale").length === 1, "the event");
    assert.match(scaled.events("SuccessfulRescale")[0] ?? "", /Current number of replicas below Spec.MinReplicas/);
  });

  it("says why it can't tell: no requests", async () => {
    await using scaled = await startScaled(deployment(2, {}), autoscaler());
    await scaled.look(100);
    assert.equal(scaled.replicas(), 2);
    assert.equal(scaled.reasons().ScalingActive, "False FailedGetResourceMetric");
    assert.match(scaled.events("FailedGetResourceMetric").join(), /missing request for cpu in container main of Pod web-/);
  });

  it("says why it can't tell: no workload", async () => {
    await using scaled = await startScaled(autoscaler());
    await until(() => scaled.reasons().AbleToScale !== undefined, "the condition");
    assert.equal(scaled.reasons().AbleToScale, "False FailedGetScale");
    await until(() => scaled.events("FailedGetScale").length > 0, "the event");
    assert.deepEqual(scaled.events("FailedGetScale"), ['deployments.apps "web" not found']);
  });

  it("leaves alone what was scaled to nothing", async () => {
    await using scaled = await startScaled(deployment(0), autoscaler());
    await until(() => scaled.reasons().ScalingActive !== undefined, "the condition");
    assert.equal(scaled.reasons().ScalingActive, "False ScalingDisabled");
    assert.equal(scaled.replicas(), 0);
  });

  it("scales nothing that another one scales, too, and both say so", async () => {
    const other = { ...autoscaler(), metadata: { name: "other" } };
    await using scaled = await startScaled(deployment(2), autoscaler(), other);
    await scaled.look(100);
    assert.equal(scaled.replicas(), 2);
    assert.equal(scaled.reasons().ScalingActive, "False AmbiguousSelector");
    await until(() => scaled.events("AmbiguousSelector").length > 0, "the event");
    assert.match(scaled.events("AmbiguousSelector")[0] ?? "", /controlled by multiple HPAs: default\/other, default\/web/);
  });

  it("heeds a change of its spec at once", async () => {
    await using scaled = await startScaled(deployment(2), autoscaler());
    await until(() => scaled.reasons().AbleToScale !== undefined, "the first look");
    await scaled.cluster.write("apply", autoscaler({ minReplicas: 5 }));
    await until(() => scaled.replicas() === 5, "the new least");
  });
});
