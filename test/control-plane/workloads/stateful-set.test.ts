import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod, StatefulSet } from "#proto/podwire/v1/resources.ts";
import { statefulSetWorkload } from "../../../control-plane/workloads/stateful-set.ts";
import { createWorkloadWorld, type WorkloadWorld } from "../../support/workload-world.ts";

type World = WorkloadWorld<StatefulSet>;

const manifest = (spec: object = {}) => ({
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    serviceName: "peers",
    selector: { matchLabels: { app: "web" } },
    template: templateOf("1"),
    ...spec,
  },
});
function templateOf(version: string) {
  return { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: `podwire/toolbox:${version}` }] } };
}

const start = (spec: object = {}) => createWorkloadWorld(statefulSetWorkload, manifest(spec));
const names = (world: World) => world.pods().map(({ metadata }) => metadata?.name);
const ending = (world: World) =>
  world
    .pods()
    .filter(({ metadata }) => metadata?.deletionTimestamp)
    .map(({ metadata }) => metadata?.name);
const imageOf = (pod: Pod | undefined) => pod?.spec?.containers[0]?.image?.split(":")[1];
const scale = (world: World, replicas: number) =>
  world.change((set) => ({ ...set, spec: { ...set.spec, replicas } as StatefulSet["spec"] }));

async function update(world: World, version: string, more: object = {}): Promise<void> {
  const { spec } = statefulSetWorkload.kind.withDefaults(
    statefulSetWorkload.kind.fromJson(manifest({ template: templateOf(version), ...more })),
  );
  await world.change((set) => ({ ...set, spec }));
}

describe("a StatefulSet", () => {
  it("makes its pods in order, each when those before it are ready", async () => {
    await using world = await start();
    await world.step();
    await world.step();
    assert.deepEqual(names(world), ["web-0"]);
    await world.run("web-0", false);
    await world.step();
    assert.deepEqual(names(world), ["web-0"]);
    await world.run("web-0");
    await world.step();
    assert.deepEqual(names(world), ["web-0", "web-1"]);
    await world.settle();
    assert.deepEqual(names(world), ["web-0", "web-1", "web-2"]);
    assert.deepEqual(
      world.said.map(({ reason, message }) => `${reason}: ${message}`),
      [0, 1, 2].map((i) => `SuccessfulCreate: create Pod web-${i} in StatefulSet web successful`),
    );
  });

  it("gives each pod a name that stays", async () => {
    await using world = await start({ ordinals: { start: 5 }, replicas: 1 });
    await world.settle();
    const pod = world.pod("web-5");
    assert.deepEqual([pod?.spec?.hostname, pod?.spec?.subdomain], ["web-5", "peers"]);
    const { "controller-revision-hash": revision, ...labels } = pod?.metadata?.labels ?? {};
    assert.deepEqual(labels, {
      app: "web",
      "statefulset.kubernetes.io/pod-name": "web-5",
      "apps.kubernetes.io/pod-index": "5",
    });
    assert.equal(revision, world.owner().status?.updateRevision);
    const before = pod?.metadata?.uid;
    await world.remove("web-5");
    await world.step();
    assert.equal(world.pod("web-5")?.metadata?.uid, before, "no second one while the first may still run");
    await world.settle();
    assert.notEqual(world.pod("web-5")?.metadata?.uid, before);
  });

  it("ends pods from the highest number, each when the one above is gone", async () => {
    await using world = await start();
    await world.settle();
    await scale(world, 1);
    await world.step();
    await world.step();
    assert.deepEqual(ending(world), ["web-2"]);
    await world.end("web-2");
    await world.step();
    assert.deepEqual([names(world), ending(world)], [["web-0", "web-1"], ["web-1"]]);
    await world.settle();
    assert.deepEqual(names(world), ["web-0"]);
  });

  it("does all at once where it is to be parallel", async () => {
    await using world = await start({ podManagementPolicy: "Parallel" });
    await world.step();
    assert.deepEqual(names(world), ["web-0", "web-1", "web-2"]);
    await scale(world, 0);
    await world.step();
    assert.deepEqual(
      ending(world),
      ["web-0", "web-1", "web-2"].filter((name) => world.pod(name)),
    );
  });

  it("makes very many in steps", async () => {
    await using world = await start({ podManagementPolicy: "Parallel", replicas: 1_000_000_000 });
    await world.step();
    assert.equal(world.pods().length, 500);
    await world.step();
    assert.equal(world.pods().length, 1_000);
  });

  it("replaces old pods from the highest number, each when all are ready", async () => {
    await using world = await start();
    await world.settle();
    const old = world.owner().status?.currentRevision;
    await update(world, "2");
    await world.step();
    assert.deepEqual(ending(world), ["web-2"]);
    await world.end("web-2");
    await world.step();
    assert.equal(imageOf(world.pod("web-2")), "2");
    await world.step();
    assert.deepEqual(ending(world), []);
    const { updatedReplicas, currentReplicas, currentRevision } = world.owner().status ?? {};
    assert.deepEqual([updatedReplicas, currentReplicas, currentRevision], [1, 2, old]);
    await world.run("web-2");
    await world.step();
    assert.deepEqual(ending(world), ["web-1"]);
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["2", "2", "2"]);
    const status = world.owner().status;
    assert.equal(status?.currentRevision, status?.updateRevision);
    assert.notEqual(status?.currentRevision, old);
  });

  it("leaves pods below the partition, and all where only a deletion is to replace them", async () => {
    await using world = await start();
    await world.settle();
    await update(world, "2", { updateStrategy: { rollingUpdate: { partition: 2 } } });
    await world.settle();

    assert.deepEqual(world.pods().map(imageOf), ["1", "1", "2"]);
    await world.remove("web-0");
    await world.remove("web-2");
    world.forget();
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["1", "1", "2"], "each comes back as it was");
    await update(world, "3", { updateStrategy: { type: "OnDelete" } });
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["1", "1", "2"]);
    await world.remove("web-0");
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["3", "1", "2"]);
  });

  it("makes a failed pod anew, and says so", async () => {
    await using world = await start({ replicas: 1 });
    await world.settle();
    await world.finish("web-0", "Failed");
    await world.settle();
    assert.equal(world.pod("web-0")?.status?.phase, "Running");
    assert.equal(
      world.said.find(({ reason }) => reason === "RecreatingFailedPod")?.message,
      "StatefulSet default/web is recreating failed Pod web-0",
    );
  });

  it("waits for who has its pod's name, and says so", async () => {
    await using world = await start({ replicas: 1 });
    const stranger = { apiVersion: "v1", kind: "Pod", metadata: { name: "web-0", namespace: "default", uid: "stranger" } };
    await world.store.commit({ checks: [], writes: [{ type: "put", key: "pods/default/web-0", value: stranger }] });
    const waitMs = await world.step();
    assert.ok(waitMs !== undefined && waitMs <= 5_000);
    assert.equal(world.said[0]?.message, 'Error creating: pods "web-0" already exists');
    await world.store.commit({ checks: [], writes: [{ type: "delete", key: "pods/default/web-0" }] });
    await world.clock.advance(5_000);
    await world.settle();
    assert.notEqual(world.pod("web-0")?.metadata?.uid, "stranger");
  });

  it("keeps its order whatever happens to pods, and to its controller", async () => {
    const number = fc.nat(4).map((i) => `web-${i}`);
    const happening = fc.oneof(
      fc.record({
        do: fc.constantFrom("run" as const, "unready" as const, "fail" as const, "remove" as const, "end" as const),
        pod: number,
      }),
      fc.record({ do: fc.constant("scale" as const), replicas: fc.nat(5) }),
      fc.record({ do: fc.constant("update" as const), version: fc.constantFrom("1", "2", "3") }),
      fc.record({ do: fc.constant("kill" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
        await using world = await start();
        let [replicas, version] = [3, "1"];
        for (const one of happenings) {
          if (one.do === "run") await world.run(one.pod);
          else if (one.do === "unready") await world.run(one.pod, false);
          else if (one.do === "fail") await world.finish(one.pod, "Failed");
          else if (one.do === "remove") await world.remove(one.pod);
          else if (one.do === "end") await world.end(one.pod);
          else if (one.do === "kill") world.forget();
          else {
            if (one.do === "scale") replicas = one.replicas;
            else if (one.do === "update") version = one.version;
            await update(world, version, { replicas });
          }
          const before = new Map(world.pods().map((pod) => [pod.metadata?.name ?? "", pod]));
          const endingBefore = ending(world).length;
          await world.step();
          const made = names(world).filter((name) => !before.has(name ?? ""));
          assert.ok(made.length + ending(world).length - endingBefore <= 1, "one step at a time");
          for (const name of made) {
            for (let i = 0; i < Number(name?.slice(4)); i++)
              assert.ok(isAvailable(before.get(`web-${i}`)), `web-${i} before ${name}`);
          }
        }
        world.forget();
        await world.settle();
        assert.deepEqual(
          names(world),
          Array.from({ length: replicas }, (_, i) => `web-${i}`),
        );
        assert.ok(world.pods().every((pod) => imageOf(pod) === version && isAvailable(pod)));
        assert.equal(world.owner().status?.readyReplicas, replicas);
      }),
      { numRuns: 60 },
    );
  });
});

function isAvailable(pod: Pod | undefined): boolean {
  return (
    pod?.metadata?.deletionTimestamp === undefined &&
    pod?.status?.conditions.some(({ type, status }) => type === "Ready" && status === "True") === true
  );
}
