import assert from "node:assert/strict";
import { eventKind } from "#core/objects/event.ts";
import { podKind } from "#core/objects/pod.ts";
import { verticalPodAutoscalerKind } from "#core/objects/vertical-pod-autoscaler.ts";
import type { Event, Pod } from "#proto/podwire/v1/resources.ts";
import { findObject, listObjects } from "../../../../control-plane/state/objects.ts";
import { startTestCluster, type TestCluster } from "../../../support/control-plane.ts";
import { startFakeKubelet } from "../../../support/fake-kubelet.ts";
import { type Measured, measurementOf } from "../../../support/measurements.ts";
import { until } from "../../../support/until.ts";

/** A day takes a minute, so that a minute takes 42 ms. */
const timeScale = 1_440;
const hourMs = 2_500;

interface World extends TestCluster {
  /** Some of the cluster's hours, in each of which every pod uses this. */
  pass(hours: number, measured: Measured): Promise<void>;
  pods(): readonly Pod[];
  /** The events of all evictions so far: an event is kept for one of the cluster's hours only. */
  readonly evictions: readonly Event[];
  /** How few pods ran at any time from now on. */
  watchRunning(): { fewest(): number };
  [Symbol.asyncDispose](): Promise<void>;
}

async function start(): Promise<World> {
  const cluster = await startTestCluster({ timeScale, heartbeatTimeoutMs: 1e9 });
  const { session } = await cluster.joinReady("node-1");
  const kubelet = startFakeKubelet(session);
  const pods = () => listObjects(cluster.store, podKind).map(({ object }) => object);
  const isUp = ({ metadata, status }: Pod) => metadata?.deletionTimestamp === undefined && status?.phase === "Running";
  const settled = () => pods().every(isUp);
  const pass = async (hours: number, measured: Measured) => {
    for (let hour = 0; hour < hours; hour++) {
      await until(settled, "pods that run");
      session.send({ $case: "measurement", value: measurementOf("node-1", pods(), measured) });
      for (let part = 0; part < 5; part++) await cluster.clock.advance(hourMs / 5);
    }
    await until(settled, "pods that run");
  };
  const evictions: Event[] = [];
  const watching = new AbortController();
  const watched = (async () => {
    for await (const { changes } of cluster.store.watch("events/", { since: 0, signal: watching.signal })) {
      const events = changes.flatMap((change) => (change.type === "put" ? [eventKind.fromJson(change.entry.value)] : []));
      evictions.push(...events.filter(({ reason }) => reason === "EvictedByVPA"));
    }
  })().catch(() => {});
  const watchRunning = () => {
    let fewest = Number.POSITIVE_INFINITY;
    const look = async () => {
      for await (const _ of cluster.store.watch("pods/", { since: cluster.store.revision, signal: watching.signal })) {
        fewest = Math.min(fewest, pods().filter(isUp).length);
      }
    };
    look().catch(() => {});
    return { fewest: () => fewest };
  };
  const end = async () => {
    watching.abort();
    await watched;
    await kubelet[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
  };
  return { ...cluster, pass, pods, evictions, watchRunning, [Symbol.asyncDispose]: end };
}

function deployment(replicas: number, requests: object = { cpu: "10m", memory: "300M" }) {
  const container = { name: "main", image: "podwire/toolbox", command: ["sleep", "inf"], resources: { requests } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [container] } },
    },
  };
}

function autoscaler(updateMode: string, targetRef: object = { apiVersion: "apps/v1", kind: "Deployment", name: "web" }) {
  return {
    apiVersion: "autoscaling.k8s.io/v1",
    kind: "VerticalPodAutoscaler",
    metadata: { name: "web" },
    spec: { targetRef, updatePolicy: { updateMode } },
  };
}

const statusOf = ({ store }: TestCluster) =>
  findObject(store, verticalPodAutoscalerKind, { namespace: "default", name: "web" })?.object.status;
const recommendedTo = (cluster: TestCluster) => statusOf(cluster)?.recommendation?.containerRecommendations[0];
const conditionsOf = (cluster: TestCluster) =>
  (statusOf(cluster)?.conditions ?? []).map(({ type, status, reason = "" }) => `${type}=${status} ${reason}`.trim());
const cpuOf = (pod: Pod) => pod.spec?.containers[0]?.resources?.requests.cpu;
const cpus = ({ pods }: World) => pods().map(cpuOf).sort().join(" ");
describe("the vertical pod autoscaler", () => {
  it("says what a target's pods need, and leaves them alone where it is off", async () => {
    await using world = await start();
    await world.write("create", autoscaler("Off"));
    await until(() => conditionsOf(world).length === 2, "no pods");
    assert.deepEqual(conditionsOf(world), ["RecommendationProvided=False NoPodsMatched", "NoPodsMatched=True NoPodsMatched"]);
    await world.write("create", deployment(2));
    await until(() => world.pods().length === 2, "pods");
    await world.pass(24, { milliCores: 50, mebibytes: 200 });
    await until(() => recommendedTo(world) !== undefined, "a recommendation");
    assert.deepEqual(conditionsOf(world), ["RecommendationProvided=True"]);
    const { containerName, target, lowerBound, upperBound } = recommendedTo(world) ?? assert.fail();
    assert.deepEqual([containerName, target], ["main", { cpu: "63m", memory: "262144k" }]);
    assert.equal(lowerBound.cpu, "62m");
    // 63 × (1 + 1 / days), of a little less than a day.
    assert.match(upperBound.cpu ?? "", /^1(2[6-9]|3[0-9])m$/);
    assert.equal(cpus(world), "10m 10m");
    assert.equal(world.evictions.length, 0);
  });

  it("replaces pods that ask for too little, one after the other, where its mode is Recreate", async () => {
    await using world = await start();
    await world.write("create", [deployment(3), autoscaler("Recreate")]);
    await until(() => world.pods().length === 3, "pods");
    await world.pass(0, {});
    const running = world.watchRunning();
    await until(async () => {
      await world.pass(1, { milliCores: 50, mebibytes: 200 });
      return cpus(world) === "63m 63m 63m";
    }, "new pods");
    assert.equal(running.fewest(), 2);
    const annotations = world.pods().map(({ metadata }) => metadata?.annotations.vpaUpdates);
    const said = "Pod resources updated by web: container 0: cpu request, memory request";
    assert.deepEqual(annotations, [said, said, said]);
    await until(() => world.evictions.length === 3, "events");
    assert.deepEqual(
      world.evictions.map(({ type, message, source }) => [type, message, source?.component]),
      Array(3).fill(["Normal", "Pod was evicted by VPA Updater to apply resource recommendation.", "vpa-updater"]),
    );
    await world.pass(6, { milliCores: 50, mebibytes: 200 });
    assert.equal(world.evictions.length, 3, "pods that ask for what is recommended stay");
  });

  it("evicts at most half of the pods at once, and no more until their successors run", async () => {
    await using world = await start();
    await world.write("create", [deployment(4), autoscaler("Off")]);
    await until(() => world.pods().length === 4, "pods");
    await world.pass(1, { milliCores: 50 });
    const running = world.watchRunning();
    await world.write("apply", autoscaler("Recreate"));
    await until(async () => {
      await world.pass(1, { milliCores: 50 });
      return cpus(world) === "63m 63m 63m 63m";
    }, "new pods");
    assert.equal(running.fewest(), 2);
  });

  it("changes only new pods where its mode is Initial", async () => {
    await using world = await start();
    await world.write("create", [deployment(2), autoscaler("Initial")]);
    await until(() => world.pods().length === 2, "pods");
    await world.pass(12, { milliCores: 50 });
    assert.equal(cpus(world), "10m 10m");
    await world.delete("pod", world.pods()[0]?.metadata?.name ?? "");
    await until(() => cpus(world) === "10m 63m", "a new pod");
    await world.pass(12, { milliCores: 50 });
    assert.equal(cpus(world), "10m 63m");
    assert.equal(world.evictions.length, 0);
  });

  it("evicts nobody whose budget is used up, nor one of too few", async () => {
    await using world = await start();
    const budget = { maxUnavailable: 0, selector: { matchLabels: { app: "web" } } };
    await world.write("create", [
      { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "web" }, spec: budget },
      deployment(2),
    ]);
    await until(() => world.pods().length === 2, "pods");
    await world.pass(1, { milliCores: 50 });
    await world.write("create", autoscaler("Recreate"));
    await world.pass(6, { milliCores: 50 });
    assert.equal(recommendedTo(world)?.target.cpu, "63m");
    assert.equal(cpus(world), "10m 10m");
    await world.write("apply", deployment(1));
    await until(() => world.pods().length === 1, "one pod");
    await world.delete("poddisruptionbudget", "web");
    await world.pass(6, { milliCores: 50 });
    assert.equal(cpus(world), "10m");
    await world.write("apply", deployment(2));
    await until(() => world.pods().length === 2, "two pods");
    await until(async () => {
      await world.pass(1, { milliCores: 50 });
      return cpus(world) === "63m 63m";
    }, "both new");
  });

  for (const kind of ["StatefulSet", "DaemonSet", "ReplicaSet"]) {
    it(`changes the pods of a ${kind}, too`, async () => {
      await using world = await start();
      const { spec, ...rest } = deployment(2);
      const { replicas, ...daemonSpec } = spec;
      const isDaemonSet = kind === "DaemonSet";
      await world.write("create", { ...rest, kind, spec: isDaemonSet ? daemonSpec : { replicas, ...daemonSpec } });
      await until(() => world.pods().length === (isDaemonSet ? 1 : 2), "pods");
      const { spec: wanted, ...vpa } = autoscaler("Recreate", { apiVersion: "apps/v1", kind, name: "web" });
      const updatePolicy = { updateMode: "Recreate", minReplicas: 1 };
      await world.write("create", { ...vpa, spec: { ...wanted, updatePolicy } });
      await until(async () => {
        await world.pass(1, { milliCores: 50 });
        return cpus(world) === (isDaemonSet ? "63m" : "63m 63m");
      }, "new pods");
    });
  }

  it("gives a Job's pods what it knows when they are made", async () => {
    await using world = await start();
    await world.write("create", autoscaler("Initial", { apiVersion: "batch/v1", kind: "Job", name: "work" }));
    const { template } = deployment(1).spec;
    const spec = { parallelism: 1, completions: 2, template: { spec: { ...template.spec, restartPolicy: "Never" } } };
    await world.write("create", { apiVersion: "batch/v1", kind: "Job", metadata: { name: "work" }, spec });
    await until(() => world.pods().length === 1, "a pod");
    await world.pass(2, { milliCores: 50 });
    assert.equal(recommendedTo(world)?.target.cpu, "63m");
    assert.equal(cpus(world), "10m");
    await world.delete("pod", world.pods()[0]?.metadata?.name ?? "");
    await until(() => cpus(world) === "63m", "another pod");
  });

  it("leaves pods to the older of two autoscalers", async () => {
    await using world = await start();
    await world.write("create", [deployment(2), autoscaler("Off")]);
    await until(() => world.pods().length === 2, "pods");
    await world.clock.advance(1_000);
    await world.write("create", { ...autoscaler("Recreate"), metadata: { name: "another" } });
    await world.pass(6, { milliCores: 50 });
    const found = listObjects(world.store, verticalPodAutoscalerKind).map(({ object }) => object.status?.recommendation);
    assert.deepEqual(
      found.map((recommendation) => recommendation?.containerRecommendations[0]?.target.cpu),
      ["63m", "63m"],
    );
    assert.equal(cpus(world), "10m 10m");
    await world.delete("vpa", "web");
    await until(async () => {
      await world.pass(1, { milliCores: 50 });
      return cpus(world) === "63m 63m";
    }, "the younger one's turn");
  });

  it("recommends nothing any more where its policy becomes off", async () => {
    await using world = await start();
    await world.write("create", [deployment(2), autoscaler("Off")]);
    await until(() => world.pods().length === 2, "pods");
    await world.pass(2, { milliCores: 50 });
    assert.notEqual(recommendedTo(world), undefined);
    const { spec, ...rest } = autoscaler("Recreate");
    const resourcePolicy = { containerPolicies: [{ containerName: "*", mode: "Off" }] };
    await world.write("apply", { ...rest, spec: { ...spec, resourcePolicy } });
    await until(() => recommendedTo(world) === undefined, "nothing recommended");
    assert.deepEqual(conditionsOf(world), ["RecommendationProvided=False"]);
    await world.pass(2, { milliCores: 50 });
    assert.equal(cpus(world), "10m 10m");
  });

  it("keeps what was recommended before it began to measure, until it knows more", async () => {
    await using world = await start();
    const recommendation = {
      containerRecommendations: [{ containerName: "main", target: { cpu: "70m" }, lowerBound: { cpu: "1m" } }],
    };
    await world.write("create", autoscaler("Initial"));
    await until(() => statusOf(world)?.conditions.length === 2, "no pods");
    const json = JSON.stringify({ status: { recommendation } });
    await world.client.patch(
      { kind: "vpa", namespace: "", name: "web", type: "merge", json, validate: "strict", dryRun: false, subresource: "status" },
      { signal: AbortSignal.timeout(10_000) },
    );
    await world.pass(1, {});
    assert.equal(recommendedTo(world)?.target.cpu, "70m");
    await world.write("create", deployment(1));
    await until(() => world.pods().length === 1, "a pod");
    assert.equal(cpus(world), "70m");
    await world.pass(2, { milliCores: 50 });
    assert.equal(recommendedTo(world)?.target.cpu, "63m");
  });
});
