import assert from "node:assert/strict";
import fc from "fast-check";
import type { Job, Pod } from "#proto/podwire/v1/resources.ts";
import { formatIndexes, parseIndexes } from "../../../control-plane/workloads/index-set.ts";
import { jobWorkload } from "../../../control-plane/workloads/job.ts";
import { createWorkloadWorld, type WorkloadWorld } from "../../support/workload-world.ts";

type World = WorkloadWorld<Job>;

const manifest = (spec: object = {}) => ({
  metadata: { name: "sums" },
  spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "sum", image: "podwire/toolbox" }] } }, ...spec },
});
const start = (spec: object = {}) => createWorkloadWorld(jobWorkload, manifest(spec));
const isOver = ({ metadata, status }: Pod) =>
  metadata?.deletionTimestamp !== undefined || ["Succeeded", "Failed"].includes(status?.phase ?? "");
const active = (world: World) =>
  world
    .pods()
    .filter((pod) => !isOver(pod))
    .map(({ metadata }) => metadata?.name ?? "");
const change = (world: World, spec: object) => world.change((job) => ({ ...job, spec: { ...job.spec, ...spec } as Job["spec"] }));
const endOf = (world: World) =>
  (world.owner().status?.conditions ?? [])
    .filter(({ status }) => status === "True")
    .map(({ type, reason = "" }) => `${type} ${reason}`.trim());

async function finishAll(world: World, phase: "Succeeded" | "Failed"): Promise<void> {
  for (const name of active(world)) await world.finish(name, phase);
  await world.step();
}

describe("a Job", () => {
  it("runs one pod to its end, counts it and is complete", async () => {
    await using world = await start();
    await world.step();
    const [name = ""] = active(world);
    assert.match(name, /^sums-[0-9]{5}$/);
    const labels = world.pod(name)?.metadata?.labels ?? {};
    assert.equal(labels["batch.kubernetes.io/job-name"], "sums");
    assert.equal(labels["batch.kubernetes.io/controller-uid"], world.owner().metadata?.uid);
    assert.equal(world.owner().status?.active, 1);
    await world.run(name);
    await world.step();
    assert.equal(world.owner().status?.ready, 1);
    await world.clock.advance(3_000);
    await finishAll(world, "Succeeded");
    const { succeeded, active: left, startTime, completionTime } = world.owner().status ?? {};
    assert.deepEqual(
      [succeeded, left, startTime, completionTime],
      [1, undefined, "2026-01-01T00:00:00Z", "2026-01-01T00:00:03Z"],
    );
    assert.deepEqual(endOf(world), ["Complete"]);
    assert.deepEqual(world.pod(name)?.metadata?.finalizers, []);
    assert.equal(await world.step(), undefined);
    assert.deepEqual(
      world.said.map(({ reason }) => reason),
      ["SuccessfulCreate", "Completed"],
    );
  });

  it("runs as many at once as it may, until as many have succeeded as it wants", async () => {
    await using world = await start({ parallelism: 2, completions: 3 });
    await world.step();
    assert.equal(active(world).length, 2);
    await finishAll(world, "Succeeded");
    assert.equal(active(world).length, 1);
    await finishAll(world, "Succeeded");
    assert.deepEqual([endOf(world), world.owner().status?.succeeded], [["Complete"], 3]);
  });

  it("counts a pod that somebody deletes before it was counted", async () => {
    await using world = await start({ completions: 2 });
    await world.step();
    const [name = ""] = active(world);
    await world.finish(name, "Succeeded");
    await world.remove(name);
    assert.ok(world.pod(name), "it waits");
    await world.step();
    assert.equal(world.pod(name), undefined);
    assert.equal(world.owner().status?.succeeded, 1);
  });

  it("tries again after ten seconds, then twenty, and gives up after backoffLimit failures", async () => {
    await using world = await start({ backoffLimit: 2 });
    await world.step();
    for (const seconds of [10, 20]) {
      for (const name of active(world)) await world.finish(name, "Failed");
      assert.equal(await world.step(), seconds * 1_000);
      assert.deepEqual(active(world), []);
      await world.clock.advance(seconds * 1_000);
      await world.step();
      assert.equal(active(world).length, 1);
    }
    await finishAll(world, "Failed");
    assert.deepEqual([endOf(world), world.owner().status?.failed], [["Failed BackoffLimitExceeded"], 3]);
    await world.settle();
    assert.deepEqual(active(world), []);
  });

  it("counts containers that start again in their pods", async () => {
    await using world = await start({
      backoffLimit: 3,
      template: { spec: { restartPolicy: "OnFailure", containers: [{ name: "sum", image: "podwire/toolbox" }] } },
    });
    await world.step();
    const [name = ""] = active(world);
    await world.run(name);
    const pod = world.pod(name) as Pod;
    const status = { ...pod.status, containerStatuses: [{ name: "sum", restartCount: 3 }] };
    await world.store.commit({
      checks: [],
      writes: [{ type: "put", key: `pods/default/${name}`, value: JSON.parse(JSON.stringify({ ...pod, status })) }],
    });
    await world.step();
    assert.deepEqual(endOf(world), ["Failed BackoffLimitExceeded"]);
  });

  it("is given up after its deadline, and its pods with it", async () => {
    await using world = await start({ activeDeadlineSeconds: 60 });
    assert.equal(await world.step(), 60_000);
    for (const name of active(world)) await world.run(name);
    await world.clock.advance(60_000);
    await world.step();
    assert.deepEqual([endOf(world), active(world), world.owner().status?.failed], [["Failed DeadlineExceeded"], [], 1]);
    await world.settle();
    assert.deepEqual(world.pods(), []);
    assert.equal(world.owner().status?.failed, 1);
  });

  it("goes so long after its end as it says", async () => {
    await using world = await start({ ttlSecondsAfterFinished: 30 });
    await world.step();
    await finishAll(world, "Succeeded");
    assert.equal(await world.step(), 30_000);
    await world.clock.advance(29_000);
    await world.step();
    assert.ok(world.owner());
    await world.clock.advance(1_000);
    await world.step();
    assert.equal(world.owner(), undefined);
  });

  it("runs no pods while it is suspended, and counts none that it ends for that", async () => {
    await using world = await start({ parallelism: 2, completions: 2 });
    await world.step();
    for (const name of active(world)) await world.run(name);
    await change(world, { suspend: true });
    await world.settle();
    assert.deepEqual([active(world), endOf(world), world.owner().status?.failed], [[], ["Suspended JobSuspended"], undefined]);
    assert.equal(world.owner().status?.startTime, undefined);
    await change(world, { suspend: false });
    await world.step();
    assert.deepEqual([active(world).length, endOf(world)], [2, []]);
    assert.deepEqual(
      world.said.filter(({ reason }) => /Suspended|Resumed/.test(reason)).map(({ reason }) => reason),
      ["Suspended", "Resumed"],
    );
  });

  it("ends those that are too many where it is to run fewer", async () => {
    await using world = await start({ parallelism: 3, completions: 5 });
    await world.step();
    await world.run(active(world)[1] ?? "");
    const working = active(world)[1];
    await change(world, { parallelism: 1 });
    await world.step();
    assert.deepEqual(active(world), [working]);
  });

  it("takes no more from a queue of work once a worker has found it empty", async () => {
    await using world = await start({ parallelism: 3 });
    await world.step();
    assert.equal(active(world).length, 3);
    await world.finish(active(world)[0] ?? "", "Succeeded");
    await world.step();
    assert.deepEqual([active(world).length, endOf(world)], [2, []]);
    await finishAll(world, "Succeeded");
    assert.deepEqual(endOf(world), ["Complete"]);
  });

  it("numbers its pods where it is indexed, and makes each number until it succeeds", async () => {
    await using world = await start({ completionMode: "Indexed", completions: 4, parallelism: 2 });
    await world.step();
    const pods = () => world.pods().filter((pod) => !isOver(pod));
    const indexOf = (pod: Pod) => pod.metadata?.annotations["batch.kubernetes.io/job-completion-index"];
    assert.deepEqual(pods().map(indexOf), ["0", "1"]);
    const [first] = pods();
    assert.match(first?.metadata?.name ?? "", /^sums-0-/);
    assert.equal(first?.spec?.hostname, "sums-0");
    assert.deepEqual(
      first?.spec?.containers[0]?.env.map(({ name, value }) => [name, value]),
      [["JOB_COMPLETION_INDEX", "0"]],
    );
    await world.finish(pods()[1]?.metadata?.name ?? "", "Succeeded");
    await world.finish(pods()[0]?.metadata?.name ?? "", "Failed");
    await world.step();
    assert.equal(world.owner().status?.completedIndexes, "1");
    await world.clock.advance(10_000);
    await world.step();
    assert.deepEqual(pods().map(indexOf).sort(), ["0", "2"]);
    await finishAll(world, "Succeeded");
    await finishAll(world, "Succeeded");
    assert.deepEqual([world.owner().status?.completedIndexes, endOf(world)], ["0-3", ["Complete"]]);
  });

  it("counts every pod once, whatever happens and however often its controller is killed", async () => {
    const happening = fc.oneof(
      fc.record({
        do: fc.constantFrom("run" as const, "succeed" as const, "fail" as const, "remove" as const, "end" as const),
        pod: fc.nat(9),
      }),
      fc.constant({ do: "kill" as const }),
      fc.constant({ do: "wait" as const }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        fc.array(happening, { maxLength: 60 }),
        async (parallelism, completions, indexed, happenings) => {
          await using world = await start({
            parallelism,
            completions,
            backoffLimit: 100,
            completionMode: indexed ? "Indexed" : "NonIndexed",
          });
          await world.step();
          const [succeeded, failed] = [new Set<string>(), new Set<string>()];
          for (const one of happenings) {
            if (one.do === "kill") world.forget();
            else if (one.do === "wait") await world.clock.advance(60_000);
            else {
              const pods = world.pods();
              const pod = pods[one.pod % Math.max(1, pods.length)];
              const name = pod?.metadata?.name ?? "";
              const uid = pod?.metadata?.uid ?? "";
              if (one.do === "run") await world.run(name);
              else if (one.do === "succeed" || one.do === "fail") {
                if (pod !== undefined && !isOver(pod)) (one.do === "succeed" ? succeeded : failed).add(uid);
                await world.finish(name, one.do === "succeed" ? "Succeeded" : "Failed");
              } else {
                await world[one.do](name);
                const left = world.pod(name);
                const over =
                  left?.metadata?.deletionTimestamp !== undefined && (left.metadata.deletionGracePeriodSeconds ?? 0) === 0;
                if (pod !== undefined && over && !succeeded.has(uid)) failed.add(uid);
              }
            }
            if (endOf(world).length > 0) return;
            await world.step();
            const { status } = world.owner();
            assert.ok(active(world).length <= parallelism, `${active(world).length} at once`);
            assert.deepEqual([status?.succeeded ?? 0, status?.failed ?? 0], [succeeded.size, failed.size]);
            assert.equal(endOf(world).includes("Complete"), succeeded.size >= completions);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe("sets of completed numbers", () => {
  const cases: readonly (readonly [number[], string])[] = [
    [[], ""],
    [[3], "3"],
    [[0, 1, 2, 5], "0-2,5"],
    [[7, 3, 4], "3-4,7"],
  ];
  for (const [numbers, text] of cases) {
    it(`write ${JSON.stringify(numbers)} as ${JSON.stringify(text)}`, () => {
      assert.equal(formatIndexes(new Set(numbers)), text);
      assert.deepEqual([...parseIndexes(text)].sort(), numbers.toSorted());
    });
  }

  it("stay small, whoever wrote them", () => {
    assert.equal(parseIndexes("0-99999999999999").size, 100_001);
    assert.deepEqual([...parseIndexes("x,3,-1,2-")], [3]);
  });
});
