import assert from "node:assert/strict";
import fc from "fast-check";
import { nodeKind } from "#core/objects/node.ts";
import type { DaemonSet, Pod } from "#proto/podwire/v1/resources.ts";
import { fitnessFor, targetOf } from "../../../control-plane/workloads/daemon-pods.ts";
import { daemonSetWorkload } from "../../../control-plane/workloads/daemon-set.ts";
import { createWorkloadWorld, type WorkloadWorld } from "../../support/workload-world.ts";

type World = WorkloadWorld<DaemonSet>;

function templateOf(version: string, spec: object = {}) {
  return {
    metadata: { labels: { app: "agent" } },
    spec: { containers: [{ name: "agent", image: `podwire/toolbox:${version}` }], ...spec },
  };
}
const manifest = (spec: object = {}) => ({
  metadata: { name: "agent" },
  spec: { selector: { matchLabels: { app: "agent" } }, template: templateOf("1"), ...spec },
});
const setOf = (spec: object = {}) => daemonSetWorkload.kind.withDefaults(daemonSetWorkload.kind.fromJson(manifest(spec)));

async function start(nodeCount: number, spec: object = {}): Promise<World> {
  const world = await createWorkloadWorld(daemonSetWorkload, manifest(spec));
  for (let i = 2; i <= nodeCount; i++) await world.node(`node-${i}`);
  return world;
}

const nameOf = (pod: Pod) => pod.metadata?.name ?? "";
const isEnding = ({ metadata }: Pod) => metadata?.deletionTimestamp !== undefined;
const isReady = (pod: Pod) =>
  !isEnding(pod) && pod.status?.conditions.some((one) => one.type === "Ready" && one.status === "True") === true;
const imageOf = (pod: Pod) => pod.spec?.containers[0]?.image?.split(":")[1] ?? "";
const nodesOf = (world: World) => world.pods().map(targetOf).sort();
const update = (world: World, version: string, more: object = {}) =>
  world.change((set) => ({ ...set, spec: setOf({ template: templateOf(version), ...more }).spec }));

describe("which nodes a DaemonSet's pods are for", () => {
  interface Case {
    readonly title: string;
    readonly template?: object;
    readonly node?: object;
    readonly ready?: string;
    /** runs, stays */
    readonly want: readonly [boolean, boolean];
  }
  const taints = (...list: object[]) => ({ spec: { taints: list } });
  const cases: readonly Case[] = [
    { title: "any that is ready", want: [true, true] },
    { title: "one that is cordoned too", node: { spec: { unschedulable: true } }, want: [true, true] },
    { title: "none that isn't ready, though pods stay there", ready: "Unknown", want: [false, true] },
    {
      title: "none that drives others away as it is lost, though pods stay there",
      ready: "Unknown",
      node: taints({ key: "node.kubernetes.io/unreachable", effect: "NoExecute" }),
      want: [false, true],
    },
    {
      title: "none with a taint, though pods stay there",
      node: taints({ key: "gpu", effect: "NoSchedule" }),
      want: [false, true],
    },
    { title: "none that drives pods away", node: taints({ key: "gpu", effect: "NoExecute" }), want: [false, false] },
    {
      title: "one whose taint it tolerates",
      node: taints({ key: "gpu", effect: "NoExecute" }),
      template: { tolerations: [{ key: "gpu", operator: "Exists" }] },
      want: [true, true],
    },
    { title: "none without the labels that it selects", template: { nodeSelector: { disk: "ssd" } }, want: [false, false] },
    { title: "one with them", template: { nodeSelector: { zone: "a" } }, want: [true, true] },
    { title: "none but the one that it names", template: { nodeName: "other" }, want: [false, false] },
  ];
  for (const { title, template = {}, node = {}, ready = "True", want } of cases) {
    it(title, () => {
      const status = { conditions: [{ type: "Ready", status: ready }] };
      const there = nodeKind.fromJson({ metadata: { name: "node-1", labels: { zone: "a" } }, status, ...node });
      const { runs, stays } = fitnessFor(setOf({ template: templateOf("1", template) }))(there);
      assert.deepEqual([runs, stays], want);
    });
  }
});

describe("a DaemonSet", () => {
  it("keeps a pod on every node, also on one that comes, and binds it there", async () => {
    await using world = await start(2);
    await world.settle();
    assert.deepEqual(nodesOf(world), ["node-1", "node-2"]);
    await world.node("node-3");
    await world.step();
    assert.deepEqual(nodesOf(world), ["node-1", "node-2", "node-3"]);
    const [pod] = world.pods();
    const needed = pod?.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    assert.deepEqual(needed?.nodeSelectorTerms[0]?.matchFields, [
      { key: "metadata.name", operator: "In", values: [targetOf(pod as Pod)] },
    ]);
    const stay = pod?.spec?.tolerations.filter(({ key }) => key === "node.kubernetes.io/unreachable");
    assert.deepEqual(
      stay?.map(({ tolerationSeconds }) => tolerationSeconds),
      [undefined],
      "it stays for ever",
    );
    await world.settle();
    const { observedGeneration: _, conditions: __, ...status } = world.owner().status ?? {};
    assert.deepEqual(JSON.parse(JSON.stringify(status)), {
      ...{ currentNumberScheduled: 3, numberMisscheduled: 0, desiredNumberScheduled: 3, numberReady: 3 },
      ...{ updatedNumberScheduled: 3, numberAvailable: 3, numberUnavailable: 0 },
    });
  });

  it("takes its pod away from a node that drives it away, or is gone, and makes a failed one anew", async () => {
    await using world = await start(3);
    await world.settle();
    await world.node("node-2", { spec: { taints: [{ key: "gpu", effect: "NoExecute" }] } });
    await world.store.commit({ checks: [], writes: [{ type: "delete", key: "nodes/node-3" }] });
    await world.step();
    assert.deepEqual(world.pods().filter(isEnding).map(targetOf), ["node-2"]);
    const [pod] = world.pods().filter((one) => !isEnding(one));
    await world.finish(nameOf(pod as Pod), "Failed");
    await world.settle();
    assert.deepEqual(nodesOf(world), ["node-1"]);
    assert.equal(world.pods().every(isReady), true);
    assert.ok(world.said.some(({ reason }) => reason === "FailedDaemonPod"));
  });

  it("replaces old pods one node after the other", async () => {
    await using world = await start(3);
    await world.settle();
    await update(world, "2");
    await world.step();
    await world.step();
    assert.equal(world.pods().filter(isEnding).length, 1);
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["2", "2", "2"]);
  });

  it("first makes the new pod where it may have one too many", async () => {
    await using world = await start(2);
    await world.settle();
    await update(world, "2", { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } });
    await world.step();
    assert.deepEqual(world.pods().map(imageOf).sort(), ["1", "1", "2"]);
    await world.step();
    assert.deepEqual(world.pods().filter(isEnding), []);
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["2", "2"]);
  });

  it("leaves old pods where only a deletion is to replace them", async () => {
    await using world = await start(2, { updateStrategy: { type: "OnDelete" } });
    await world.settle();
    await update(world, "2", { updateStrategy: { type: "OnDelete" } });
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf), ["1", "1"]);
    await world.remove(nameOf(world.pods()[0] as Pod));
    await world.settle();
    assert.deepEqual(world.pods().map(imageOf).sort(), ["1", "2"]);
  });

  it("never takes more than maxUnavailable nodes' pods, whatever happens", async () => {
    const happening = fc.oneof(
      fc.record({
        do: fc.constantFrom("run" as const, "unready" as const, "fail" as const, "remove" as const, "end" as const),
        pod: fc.nat(7),
      }),
      fc.record({ do: fc.constant("update" as const), version: fc.constantFrom("1", "2", "3") }),
      fc.record({ do: fc.constant("kill" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(happening, { maxLength: 40 }),
        async (maxUnavailable, happenings) => {
          const more = { updateStrategy: { rollingUpdate: { maxUnavailable } } };
          await using world = await start(5, more);
          let version = "1";
          await world.settle();
          for (const one of happenings) {
            if (one.do === "kill") world.forget();
            else if (one.do === "update") {
              version = one.version;
              await update(world, version, more);
            } else {
              const pods = world.pods();
              const name = nameOf(pods[one.pod % Math.max(1, pods.length)] as Pod);
              if (one.do === "run" || one.do === "unready") await world.run(name, one.do === "run");
              else if (one.do === "fail") await world.finish(name, "Failed");
              else await world[one.do](name);
            }
            const before = world.pods();
            await world.step();
            const victims = before.filter((pod) => isReady(pod) && isEnding(world.pod(nameOf(pod)) ?? pod));
            const without = 5 - before.filter(isReady).length;
            assert.ok(
              victims.length === 0 || victims.length + without <= maxUnavailable,
              `${victims.length} with ${without} missing`,
            );
            assert.equal(
              new Set(
                world
                  .pods()
                  .filter((pod) => !isEnding(pod))
                  .map(targetOf),
              ).size,
              world.pods().filter((pod) => !isEnding(pod)).length,
            );
          }
          world.forget();
          await world.settle();
          assert.deepEqual(
            nodesOf(world),
            [1, 2, 3, 4, 5].map((i) => `node-${i}`),
          );
          assert.ok(world.pods().every((pod) => imageOf(pod) === version && isReady(pod)));
        },
      ),
      { numRuns: 60 },
    );
  });
});
