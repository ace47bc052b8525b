/* Hours of load that comes and goes, with faults, in a simulated cluster with a HorizontalPodAutoscaler and a node group. `SIMULATION_SEED=…`
 * replays one history. */

import assert from "node:assert/strict";
import { deploymentKind } from "#core/objects/deployment.ts";
import { horizontalPodAutoscalerKind } from "#core/objects/horizontal-pod-autoscaler.ts";
import { nodeKind } from "#core/objects/node.ts";
import { nodeGroupKind, nodeGroupLabel } from "#core/objects/node-group.ts";
import { podKind } from "#core/objects/pod.ts";
import { findObject, listObjects } from "../../../control-plane/state/objects.ts";
import { type ClusterSimulation, startClusterSimulation } from "../../support/cluster-simulation.ts";

/** With timers ten times as fast: five minutes are thirty seconds, ten are sixty. */
const timeScale = 10;
const stabilizationSeconds = 30;
const afterAddSeconds = 60;
const bounds = { pods: { min: 2, max: 12 }, nodes: { min: 2, max: 6 } } as const;
const group = { [nodeGroupLabel]: "default" };
const capacity = { pods: "110", cpu: "1", memory: "4Gi" };
const seconds = 1_500;
const seeds = process.env.SIMULATION_SEED === undefined ? [1, 2, 3, 4] : [Number(process.env.SIMULATION_SEED)];

interface Load {
  /** Of all pods together, in thousandths of a core. */
  total: number;
}

async function startAutoscaled(seed: number, load: Load): Promise<ClusterSimulation> {
  const simulation: ClusterSimulation = await startClusterSimulation({
    ...{ seed, timeScale, nodeCount: bounds.nodes.min, labels: group, capacity },
    loadOf: () => Math.min(1_000, load.total / Math.max(1, readyCount(simulation))),
  });
  for (let second = 0; second < 5; second++) await simulation.second();
  const labels = { app: "web" };
  const containers = [{ name: "main", image: "podwire/toolbox", resources: { requests: { cpu: "300m" } } }];
  const manifests = [
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    },
    {
      ...{ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "web" } },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
        ...{ minReplicas: bounds.pods.min, maxReplicas: bounds.pods.max },
        metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
      },
    },
    {
      ...{ apiVersion: "podwire.dev/v1", kind: "NodeGroup", metadata: { name: "default" } },
      spec: { minSize: bounds.nodes.min, maxSize: bounds.nodes.max, provider: "simulated" },
    },
  ].map((manifest) => ({ json: JSON.stringify(manifest), source: "" }));
  const problem = await simulation.user(({ create }, context) =>
    create({ manifests, namespace: "", validate: "", dryRun: false }, context),
  );
  assert.equal(problem, "");
  return simulation;
}

function readyCount({ nodes }: ClusterSimulation): number {
  return nodes.flatMap(({ pods }) => [...pods.values()]).filter(({ state }) => state === "ready").length;
}

const wantedPods = ({ store }: ClusterSimulation) =>
  findObject(store, deploymentKind, { namespace: "default", name: "web" })?.object.spec?.replicas ?? 0;
const groupOf = ({ store }: ClusterSimulation) => findObject(store, nodeGroupKind, { name: "default" })?.object.status;
const nodeNames = ({ store }: ClusterSimulation) => listObjects(store, nodeKind).map(({ object }) => object.metadata?.name ?? "");

/** What the supervisor does for an embedded cluster. Nobody may lose a pod by it. */
async function provide(simulation: ClusterSimulation): Promise<void> {
  const { targetSize = 0, removableNodes = [] } = groupOf(simulation) ?? {};
  for (const name of removableNodes) {
    const node = simulation.nodes.find((each) => each.name === name);
    const lost = [...(node?.pods.values() ?? [])].filter(({ state }) => state === "starting" || state === "ready");
    assert.equal(lost.length, 0, `${name} is removed with pods`);
    const gone = await simulation.user(({ delete: remove }, context) =>
      remove({ kind: "Node", namespace: "", name, dryRun: false }, context),
    );
    if (gone !== "") continue;
    simulation.tell(`${name} is removed`);
    node?.cutPower();
  }
  const own = simulation.nodes.filter(({ isOn, name }) => isOn && !removableNodes.includes(name)).length;
  for (let missing = targetSize - own; missing > 0; missing--)
    simulation.tell(`${simulation.addNode({ labels: group, capacity }).name} is added`);
}

/** Load that rises, falls and stands, a partition now and then, and a control plane that is killed. */
async function misfortune(simulation: ClusterSimulation, load: Load): Promise<boolean> {
  const { rng, nodes } = simulation;
  const chance = (perMille: number) => rng.next() * 1_000 < perMille;
  if (chance(20)) {
    load.total = Math.floor(rng.next() * 2_400);
    simulation.tell(`the load is ${load.total} now`);
  }
  const node = nodes[Math.floor(rng.next() * nodes.length)];
  if (node?.isOn && chance(5)) {
    node.isLinked = !node.isLinked;
    simulation.tell(`${node.name} is ${node.isLinked ? "linked" : "cut off"}`);
  }
  if (!chance(2)) return false;
  await simulation.killControlPlane();
  return true;
}

async function live(seed: number): Promise<void> {
  const load = { total: 300 };
  await using simulation = await startAutoscaled(seed, load);
  let pods = wantedPods(simulation);
  let nodes = groupOf(simulation)?.targetSize ?? 0;
  let [podsUpAt, nodesUpAt, killedAt] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const check = (second: number) => {
    const [podsNow, nodesNow] = [wantedPods(simulation), groupOf(simulation)?.targetSize ?? nodes];
    assert.ok(podsNow >= bounds.pods.min && podsNow <= bounds.pods.max, `${podsNow} pods`);
    assert.ok(nodesNow <= bounds.nodes.max, `${nodesNow} nodes`);
    if (podsNow !== pods) simulation.tell(`${podsNow} pods instead of ${pods}`);
    if (nodesNow !== nodes) simulation.tell(`${nodesNow} nodes instead of ${nodes}`);
    // A second is a step: what happened in it happened at its beginning or its end.
    if (podsNow < pods) assert.ok(second - podsUpAt >= stabilizationSeconds - 1, "pods went right after they had come");
    if (podsNow < pods)
      assert.ok(second - killedAt >= stabilizationSeconds - 1, "pods went right after a start of the control plane");
    if (nodesNow < nodes) assert.ok(second - nodesUpAt >= afterAddSeconds - 1, "a node went right after one had come");
    if (podsNow > pods) podsUpAt = second;
    if (nodesNow > nodes) nodesUpAt = second;
    [pods, nodes] = [podsNow, nodesNow];
  };
  const step = async (second: number) => {
    await provide(simulation);
    await simulation.second();
    check(second);
  };
  try {
    let second = 0;
    for (; second < seconds; second++) {
      if (await misfortune(simulation, load)) killedAt = second;
      await step(second);
    }
    for (const node of simulation.nodes) node.isLinked = true;
    for (const [total, wantPods] of [
      [1_500, 10],
      [0, bounds.pods.min],
    ] as const) {
      load.total = total;
      simulation.tell(`the load is ${total} from now on`);
      for (const end = second + 300; second < end; second++) await step(second);
      // 1,500 thousandths at half of 300 each, within the tolerance of a tenth.
      assert.ok(Math.abs(pods - wantPods) <= 1, `${pods} pods for a load of ${total}`);
      assert.equal(readyCount(simulation), pods);
    }
    assert.equal(nodes, bounds.nodes.min);
    assert.equal(nodeNames(simulation).length, bounds.nodes.min);
    assert.equal(listObjects(simulation.store, podKind).length, bounds.pods.min);
    assert.ok(findObject(simulation.store, horizontalPodAutoscalerKind, { namespace: "default", name: "web" }) !== undefined);
  } catch (error) {
    throw new Error(`seed ${seed} (SIMULATION_SEED=${seed} replays it), after:\n${simulation.history.slice(-40).join("\n")}`, {
      cause: error,
    });
  }
}

describe("a cluster that scales by itself", () => {
  for (const seed of seeds) {
    it(`keeps its bounds and its windows, and comes to what the load asks for: seed ${seed}`, () => live(seed)).timeout(300_000);
  }
});
