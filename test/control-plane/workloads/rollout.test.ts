/* Rollouts as models: whatever the order in which controllers and nodes act, and wherever the control plane is killed. */

import assert from "node:assert/strict";
import { sameTemplate } from "#core/rollout.ts";
import type { Deployment, PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../../../control-plane/state/conditions.ts";
import { isActive } from "../../../control-plane/workloads/pod-state.ts";
import { boundsOf } from "../../../control-plane/workloads/rollout-size.ts";
import { type Simulation, startSimulation } from "../../support/workload-simulation.ts";

const labels = { app: "web" };
const image = (tag: string) => `registry.k8s.io/e2e-test-images/agnhost:${tag}`;
const templateOf = (tag: string) => ({ metadata: { labels }, spec: { containers: [{ name: "web", image: image(tag) }] } });

function manifest(replicas: number, spec: object = {}): object {
  return { spec: { replicas, selector: { matchLabels: labels }, template: templateOf("1"), ...spec } };
}

function withImage(tag: string) {
  return (deployment: Deployment): Deployment => {
    const { spec } = deployment;
    const containers = (spec?.template?.spec?.containers ?? []).map((one) => ({ ...one, image: image(tag) }));
    const template = { ...spec?.template, spec: { ...spec?.template?.spec, containers } } as PodTemplateSpec;
    return { ...deployment, spec: { ...spec, template } as Deployment["spec"] };
  };
}

function withReplicas(replicas: number) {
  return (deployment: Deployment): Deployment => ({
    ...deployment,
    spec: { ...deployment.spec, replicas } as Deployment["spec"],
  });
}

/** Fails where the store has more or fewer pods than a rollout may have. */
function withinBounds(simulation: Simulation): void {
  const active = simulation.pods().filter(isActive);
  const { replicas, surge, unavailable } = boundsOf(simulation.deployment());
  assert.ok(active.length <= replicas + surge, `${active.length} pods, at most ${replicas + surge}`);
  const ready = active.filter(isReady).length;
  assert.ok(ready >= replicas - unavailable, `${ready} available pods, at least ${replicas - unavailable}`);
}

function assertDone(simulation: Simulation): void {
  const deployment = simulation.deployment();
  const replicas = deployment.spec?.replicas ?? 0;
  const pods = simulation.pods();
  assert.equal(pods.length, replicas, "no pod too many and none too few");
  const newest = simulation.sets().filter((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
  assert.equal(newest.length, 1, "one set of the template");
  assert.ok(pods.every(({ metadata }) => metadata?.ownerReferences[0]?.uid === newest[0]?.metadata?.uid));
  const { status } = deployment;
  assert.equal(status?.updatedReplicas, replicas);
  assert.equal(status?.availableReplicas, replicas);
  assert.equal(status?.unavailableReplicas, 0);
  assert.equal(status?.observedGeneration, deployment.metadata?.generation);
  assert.equal(status?.conditions.find(({ type }) => type === "Progressing")?.reason, "NewReplicaSetAvailable");
  assert.equal(status?.conditions.find(({ type }) => type === "Available")?.status, "True");
}

const strategies = [
  { maxSurge: "25%", maxUnavailable: "25%" },
  { maxSurge: 1, maxUnavailable: 0 },
  { maxSurge: 0, maxUnavailable: 1 },
  { maxSurge: "100%", maxUnavailable: "50%" },
];

describe("a rolling update", () => {
  for (const [i, rollingUpdate] of strategies.entries()) {
    const text = JSON.stringify(rollingUpdate).replaceAll('"', "");
    it(`with ${text} stays within its bounds after every write, in any order`, async () => {
      for (let seed = 1; seed <= 15; seed++) {
        let rolling = false;
        const check = (simulation: Simulation) => rolling && withinBounds(simulation);
        await using simulation = await startSimulation({ seed: seed * 10 + i, check });
        await simulation.create(manifest(1 + (seed % 7), { strategy: { rollingUpdate } }));
        await simulation.settle();
        assertDone(simulation);
        rolling = true;
        for (const tag of ["2", "3", "1"]) {
          await simulation.write(withImage(tag));
          await simulation.settle();
          assertDone(simulation);
        }
        assert.equal(simulation.sets().length, 3, "the first template's set was used again");
      }
    });
  }

  it("that a change overtakes half-way ends with the last template alone", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      await using simulation = await startSimulation({ seed });
      await simulation.create(manifest(5));
      await simulation.settle();
      await simulation.write(withImage("2"));
      simulation.killAt(simulation.commitCount + 1 + seed);
      await simulation.settle();
      await simulation.write(withImage("3"));
      await simulation.write(withReplicas(3));
      await simulation.settle();
      assertDone(simulation);
    }
  });

  it("waits for a version that never gets ready, and goes on with the next", async () => {
    await using simulation = await startSimulation({
      seed: 7,
      runs: ({ spec }) => spec?.containers[0]?.image !== image("broken"),
    });
    await simulation.create(manifest(4));
    await simulation.settle();
    await simulation.write(withImage("broken"));
    await simulation.settle();
    assert.equal(simulation.pods().filter(isReady).length, 3, "as few as maxUnavailable allows");
    assert.equal(simulation.pods().length, 5);
    await simulation.clock.advance(601_000);
    await simulation.settle();
    const progress = simulation.deployment().status?.conditions.find(({ type }) => type === "Progressing");
    assert.deepEqual([progress?.status, progress?.reason], ["False", "ProgressDeadlineExceeded"]);
    assert.match(progress?.message ?? "", /^ReplicaSet "web-[a-z0-9]+" has timed out progressing\.$/);
    await simulation.write(withImage("3"));
    await simulation.settle();
    assertDone(simulation);
  });

  it("tells of each step in Kubernetes' words", async () => {
    await using simulation = await startSimulation({ seed: 3 });
    await simulation.create(manifest(2, { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }));
    await simulation.settle();
    await simulation.write(withImage("2"));
    await simulation.settle();
    const told = simulation.happenings.filter(({ reason }) => reason === "ScalingReplicaSet").map(({ message }) => message);
    assert.deepEqual(
      told.map((message) => message.replace(/ web-\S+/, "")),
      [
        "Scaled up replica set from 0 to 2",
        "Scaled up replica set from 0 to 1",
        "Scaled down replica set from 2 to 1",
        "Scaled up replica set from 1 to 2",
        "Scaled down replica set from 1 to 0",
      ],
    );
  });
});

describe("Recreate", () => {
  it("begins no new pod before all old ones are gone", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const check = (simulation: Simulation) => {
        const images = new Set(simulation.pods().map(({ spec }) => spec?.containers[0]?.image));
        assert.ok(images.size <= 1, "pods of two versions");
      };
      await using simulation = await startSimulation({ seed, check });
      await simulation.create(manifest(3, { strategy: { type: "Recreate" } }));
      await simulation.settle();
      await simulation.write(withImage("2"));
      await simulation.settle();
      assertDone(simulation);
    }
  });
});

describe("a Deployment's history", () => {
  it("keeps as many old sets as it is told to, and counts revisions", async () => {
    await using simulation = await startSimulation({ seed: 5 });
    await simulation.create(manifest(2, { revisionHistoryLimit: 2 }));
    for (const tag of ["2", "3", "4", "5"]) {
      await simulation.settle();
      await simulation.write(withImage(tag));
    }
    await simulation.settle();
    const revisions = simulation.sets().map(({ metadata }) => metadata?.annotations["deployment.kubernetes.io/revision"]);
    assert.deepEqual(revisions.sort(), ["3", "4", "5"]);
    assert.equal(simulation.deployment().metadata?.annotations["deployment.kubernetes.io/revision"], "5");
  });

  it("gives a template that comes back the next revision", async () => {
    await using simulation = await startSimulation({ seed: 6 });
    await simulation.create(manifest(1));
    await simulation.settle();
    await simulation.write(withImage("2"));
    await simulation.settle();
    await simulation.write(withImage("1"));
    await simulation.settle();
    const first = simulation.sets().find(({ spec }) => spec?.template?.spec?.containers[0]?.image === image("1"));
    assert.equal(first?.metadata?.annotations["deployment.kubernetes.io/revision"], "3");
    assert.equal(first?.metadata?.annotations["deployment.kubernetes.io/revision-history"], "1");
  });
});

describe("a paused Deployment", () => {
  const paused = (value: boolean) => (deployment: Deployment) => ({
    ...deployment,
    spec: { ...deployment.spec, paused: value } as Deployment["spec"],
  });

  it("takes a new size but no new template until it is resumed", async () => {
    await using simulation = await startSimulation({ seed: 8 });
    await simulation.create(manifest(2));
    await simulation.settle();
    await simulation.write(paused(true));
    await simulation.write(withImage("2"));
    await simulation.write(withReplicas(4));
    await simulation.settle();
    assert.equal(simulation.sets().length, 1);
    assert.equal(simulation.pods().length, 4);
    const progress = () => simulation.deployment().status?.conditions.find(({ type }) => type === "Progressing");
    assert.deepEqual(
      [progress()?.status, progress()?.reason, progress()?.message],
      ["Unknown", "DeploymentPaused", "Deployment is paused"],
    );
    await simulation.write(paused(false));
    await simulation.settle();
    assertDone(simulation);
  });

  it("scales both versions in proportion where it stopped half-way", async () => {
    await using simulation = await startSimulation({ seed: 9, runs: ({ spec }) => spec?.containers[0]?.image === image("1") });
    await simulation.create(manifest(10, { strategy: { rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } } }));
    await simulation.settle();
    await simulation.write(withImage("2"));
    await simulation.settle();
    const sizes = () =>
      simulation
        .sets()
        .map(({ spec }) => spec?.replicas)
        .sort();
    assert.deepEqual(sizes(), [5, 8]);
    await simulation.write(withReplicas(15));
    await simulation.settle();
    // Kubernetes' own example (concepts/workloads/controllers/deployment, "Proportional scaling").
    assert.deepEqual(sizes(), [11, 7].sort());
  });
});

describe("a control plane that is killed at any write", () => {
  const bounds = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } };
  const stories: { title: string; spec: object; act: (simulation: Simulation) => Promise<void>; bounded: boolean }[] = [
    { title: "a rollout", spec: bounds, act: (simulation) => simulation.write(withImage("2")), bounded: true },
    { title: "growth", spec: bounds, act: (simulation) => simulation.write(withReplicas(9)), bounded: false },
    { title: "shrinking", spec: bounds, act: (simulation) => simulation.write(withReplicas(1)), bounded: false },
    {
      title: "a Recreate",
      spec: { strategy: { type: "Recreate" } },
      act: (simulation) => simulation.write(withImage("2")),
      bounded: false,
    },
    {
      title: "a rollout and a change of size at once",
      spec: bounds,
      act: (simulation) => simulation.write((deployment) => withReplicas(6)(withImage("2")(deployment))),
      bounded: false,
    },
  ];
  for (const { title, spec, act, bounded } of stories) {
    it(`goes on with ${title} where it was`, async () => {
      const run = async (killAt: number, seed: number): Promise<number> => {
        let acting = false;
        const check = (simulation: Simulation) => acting && bounded && withinBounds(simulation);
        await using simulation = await startSimulation({ seed, check });
        await simulation.create(manifest(4, spec));
        await simulation.settle();
        acting = true;
        const before = simulation.commitCount;
        simulation.killAt(before + killAt);
        await act(simulation);
        await simulation.settle();
        assertDone(simulation);
        return simulation.commitCount - before;
      };
      const total = await run(Number.POSITIVE_INFINITY, 1);
      assert.ok(total >= 3, `${total} writes`);
      for (let killAt = 1; killAt <= total; killAt++) await run(killAt, killAt);
    });
  }

  it("makes a Deployment whole", async () => {
    for (let killAt = 1; killAt <= 12; killAt++) {
      await using simulation = await startSimulation({ seed: killAt });
      simulation.killAt(killAt);
      await simulation.create(manifest(4));
      await simulation.settle();
      assertDone(simulation);
    }
  });

  it("takes all that a deleted Deployment owned", async () => {
    for (let killAt = 1; killAt <= 6; killAt++) {
      await using simulation = await startSimulation({ seed: killAt });
      await simulation.create(manifest(3));
      await simulation.settle();
      simulation.killAt(simulation.commitCount + killAt);
      await simulation.remove();
      await simulation.settle();
      assert.deepEqual([simulation.sets().length, simulation.pods().length], [0, 0]);
    }
  });
});
