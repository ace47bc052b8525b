/* What users and misfortune do to a simulated cluster, and what must hold whatever they do. */

import assert from "node:assert/strict";
import { daemonSetKind } from "#core/objects/daemon-set.ts";
import { deploymentKind } from "#core/objects/deployment.ts";
import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import type { ApiObject, Kind } from "#core/objects/kind.ts";
import { nodeKind } from "#core/objects/node.ts";
import { podKind } from "#core/objects/pod.ts";
import { serviceKind } from "#core/objects/service.ts";
import { statefulSetKind } from "#core/objects/stateful-set.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../../control-plane/state/conditions.ts";
import { listObjects } from "../../control-plane/state/objects.ts";
import { hasEnded, isActive } from "../../control-plane/workloads/pod-state.ts";
import { boundsOf } from "../../control-plane/workloads/rollout-size.ts";
import type { ClusterSimulation } from "./cluster-simulation.ts";
import type { SimulatedNode } from "./simulated-node.ts";

const minAvailable = 2;
const all = { namespace: "default", validate: "", dryRun: false };
const workloadOf = (kind: string, name: string, spec: object) => {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: "main", image: "podwire/toolbox:1" }] } };
  return { apiVersion: "apps/v1", kind, metadata: { name }, spec: { selector: { matchLabels: labels }, template, ...spec } };
};

const objects: readonly object[] = [
  workloadOf("Deployment", "web", { replicas: 4, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
  workloadOf("StatefulSet", "db", { replicas: 3, serviceName: "db" }),
  workloadOf("DaemonSet", "watch", {}),
  { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { selector: { app: "web" }, ports: [{ port: 80 }] } },
  {
    ...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "web" } },
    spec: { minAvailable, selector: { matchLabels: { app: "web" } } },
  },
];

export async function createWorkloads(simulation: ClusterSimulation): Promise<void> {
  const manifests = objects.map((object) => ({ json: JSON.stringify(object), source: "" }));
  const problem = await simulation.user(({ create }, context) => create({ ...all, manifests }, context));
  assert.equal(problem, "");
}

function objectsOf<T extends ApiObject>({ store }: ClusterSimulation, kind: Kind<T>): readonly T[] {
  return listObjects(store, kind).map(({ object }) => object);
}

function podsOf(simulation: ClusterSimulation, app: string): readonly Pod[] {
  return objectsOf(simulation, podKind).filter(({ metadata }) => metadata?.labels.app === app);
}

/** One in so many seconds, each. */
const mishaps: readonly { readonly every: number; readonly happen: (simulation: ClusterSimulation) => Promise<void> | void }[] = [
  { every: 60, happen: (simulation) => patch(simulation, "web", { replicas: Math.floor(simulation.rng.next() * 8) }) },
  { every: 90, happen: (simulation) => patch(simulation, "db", { replicas: Math.floor(simulation.rng.next() * 5) }) },
  { every: 90, happen: (simulation) => newVersion(simulation, simulation.rng.next() < 0.6 ? "web" : "db") },
  { every: 60, happen: deletePod },
  { every: 40, happen: evictPod },
  { every: 50, happen: togglePower },
  { every: 50, happen: toggleLink },
  { every: 60, happen: stopNode },
  { every: 30, happen: dropSession },
  { every: 120, happen: (simulation) => simulation.killControlPlane() },
];

export async function misfortune(simulation: ClusterSimulation): Promise<void> {
  for (const { every, happen } of mishaps) if (simulation.rng.next() < 1 / every) await happen(simulation);
}

/** Nobody harms anybody any more. */
export function repair({ nodes, tell }: ClusterSimulation): void {
  tell("all is repaired");
  for (const node of nodes) {
    if (!node.isOn) node.boot();
    node.isLinked = true;
    node.stoppedUntilMs = 0;
  }
}

function oneOf<T>({ rng }: ClusterSimulation, items: readonly T[]): T | undefined {
  return items[Math.floor(rng.next() * items.length)];
}

async function patch(simulation: ClusterSimulation, name: "web" | "db", spec: object): Promise<void> {
  const kind = name === "web" ? "Deployment" : "StatefulSet";
  const json = JSON.stringify({ spec });
  const request = { ...all, kind, name, type: "strategic", json, subresource: "" };
  simulation.tell(`${name} becomes ${json}: ${await simulation.user((handlers, context) => handlers.patch(request, context))}`);
}

function newVersion(simulation: ClusterSimulation, name: "web" | "db"): Promise<void> {
  const image = `podwire/toolbox:${1 + Math.floor(simulation.rng.next() * 5)}`;
  return patch(simulation, name, { template: { spec: { containers: [{ name: "main", image }] } } });
}

async function deletePod(simulation: ClusterSimulation): Promise<void> {
  const name = oneOf(simulation, objectsOf(simulation, podKind))?.metadata?.name;
  if (name === undefined) return;
  const request = { kind: "Pod", namespace: "default", name, uid: undefined, gracePeriodSeconds: undefined, dryRun: false };
  simulation.tell(`${name} is deleted: ${await simulation.user((handlers, context) => handlers.delete(request, context))}`);
}

/** The budget holds in the moment in which it is used. */
async function evictPod(simulation: ClusterSimulation): Promise<void> {
  const pod = oneOf(simulation, podsOf(simulation, "web").filter(isActive));
  const name = pod?.metadata?.name;
  if (pod === undefined || name === undefined) return;
  const counted = isReady(pod);
  const request = { namespace: "default", name, uid: undefined, gracePeriodSeconds: undefined, dryRun: false };
  const problem = await simulation.user((handlers, context) => handlers.evict(request, context));
  simulation.tell(`${name} is evicted: ${problem}`);
  if (problem !== "" || !counted) return;
  const left = podsOf(simulation, "web").filter((one) => isActive(one) && isReady(one)).length;
  assert.ok(left >= minAvailable, `an eviction left ${left} of the ${minAvailable} that the budget asks for`);
}

/** Who is in trouble is helped more often than another gets into it. */
function troubledOr(simulation: ClusterSimulation, isTroubled: (node: SimulatedNode) => boolean): SimulatedNode | undefined {
  const troubled = simulation.nodes.filter(isTroubled);
  return oneOf(simulation, troubled.length > 0 && simulation.rng.next() < 0.7 ? troubled : simulation.nodes);
}

function togglePower(simulation: ClusterSimulation): void {
  const node = troubledOr(simulation, ({ isOn }) => !isOn);
  if (node === undefined) return;
  simulation.tell(`${node.name} ${node.isOn ? "loses its power" : "boots"}`);
  if (node.isOn) node.cutPower();
  else node.boot();
}

/** Its pods run on. */
function toggleLink(simulation: ClusterSimulation): void {
  const node = troubledOr(simulation, ({ isLinked }) => !isLinked);
  if (node === undefined) return;
  simulation.tell(`${node.name} is ${node.isLinked ? "cut off" : "back on the network"}`);
  node.isLinked = !node.isLinked;
  if (!node.isLinked) node.dropSession();
}

function stopNode(simulation: ClusterSimulation): void {
  const node = oneOf(simulation, simulation.nodes);
  const seconds = 1 + Math.floor(simulation.rng.next() * 20);
  if (node === undefined) return;
  simulation.tell(`${node.name} stands still for ${seconds} s`);
  node.stoppedUntilMs = simulation.clock.monotonicMs() + seconds * 1_000;
}

function dropSession(simulation: ClusterSimulation): void {
  const node = oneOf(simulation, simulation.nodes);
  simulation.tell(`${node?.name} loses its session`);
  node?.dropSession();
}

/** What holds after every second, whatever happened in it. */
export function checkAlways(simulation: ClusterSimulation): void {
  for (const { name, fault } of simulation.nodes) assert.equal(fault, undefined, `${name} was told nonsense`);
  const pods = objectsOf(simulation, podKind);
  unique(
    "pod addresses",
    pods.filter((pod) => !hasEnded(pod)).flatMap(({ status }) => status?.podIP ?? []),
  );
  unique(
    "pod CIDRs",
    objectsOf(simulation, nodeKind).flatMap(({ spec }) => spec?.podCIDR ?? []),
  );
  unique(
    "Service addresses",
    objectsOf(simulation, serviceKind).flatMap(({ spec }) => spec?.clusterIP ?? []),
  );
  // What a node runs and what the store knows differ in time; two that are one may never run at the same time.
  const running = simulation.nodes.flatMap((node) => [...node.pods.values()].filter(({ state }) => state !== "gone"));
  unique(
    "running pods of the StatefulSet",
    running.flatMap(({ pod }) => (pod.metadata?.labels.app === "db" ? (pod.metadata.name ?? []) : [])),
  );
  unique(
    "running pods' addresses",
    running.map(({ address }) => address),
  );
  const [web] = objectsOf(simulation, deploymentKind);
  assert.ok(web !== undefined);
  const { replicas, surge } = boundsOf(web);
  const active = podsOf(simulation, "web").filter(isActive).length;
  assert.ok(active <= replicas + surge, `${active} pods of ${replicas} and ${surge} more`);
}

function unique(what: string, values: readonly string[]): void {
  const twice = values.filter((value, i) => values.indexOf(value) !== i);
  assert.deepEqual(twice, [], `${what} that are held twice`);
}

/** What holds once nothing has gone wrong for long. */
export function checkConverged(simulation: ClusterSimulation): void {
  const pods = objectsOf(simulation, podKind);
  assert.deepEqual(
    pods.filter((pod) => !isActive(pod) || !isReady(pod)).map(({ metadata }) => metadata?.name),
    [],
    "pods that are not Ready",
  );
  const [web] = objectsOf(simulation, deploymentKind);
  assert.equal(web?.status?.availableReplicas ?? 0, web?.spec?.replicas, "the Deployment's pods");
  assert.equal(web?.status?.updatedReplicas ?? 0, web?.spec?.replicas, "its pods of the newest template");
  assert.equal(podsOf(simulation, "web").length, web?.spec?.replicas);
  const [db] = objectsOf(simulation, statefulSetKind);
  assert.equal(db?.status?.readyReplicas ?? 0, db?.spec?.replicas, "the StatefulSet's pods");
  assert.deepEqual(
    podsOf(simulation, "db").map(({ metadata }) => metadata?.name),
    Array.from({ length: db?.spec?.replicas ?? 0 }, (_, i) => `db-${i}`),
  );
  assert.equal(objectsOf(simulation, daemonSetKind)[0]?.status?.numberReady, simulation.nodes.length, "the DaemonSet's pods");
  const slices = objectsOf(simulation, endpointSliceKind).filter(
    ({ metadata }) => metadata?.labels["kubernetes.io/service-name"] === "web",
  );
  const addresses = slices.flatMap(({ endpoints }) => endpoints.flatMap((endpoint) => endpoint.addresses)).sort();
  assert.deepEqual(
    addresses,
    podsOf(simulation, "web")
      .flatMap(({ status }) => status?.podIP ?? [])
      .sort(),
    "the Service's endpoints",
  );
  const held = simulation.nodes.flatMap((node) => [...node.pods.keys()]).sort();
  assert.deepEqual(held, pods.map(({ metadata }) => metadata?.uid ?? "").sort(), "what nodes run");
}
