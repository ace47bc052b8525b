/* What declared workloads cost: a Deployment that grows from nothing on real nodes, and how soon a change reaches many who watch. */

import { setTimeout as sleepFor } from "node:timers/promises";
import type { Deployment } from "#proto/podwire/v1/resources.ts";
import { type BenchCluster, type ClusterClient, openBenchCluster } from "./bench-cluster.ts";
import { median, type Row } from "./row.ts";

const nodes = 3;
const replicas = 100;
const rounds = 3;
const watchers = 100;
const watchersOfAConnection = 20;
const changes = 100;
const betweenChangesMs = 30;
const deadlineMs = 120_000;

export async function benchWorkloads(): Promise<Row[]> {
  await using cluster = openBenchCluster();
  await cluster.podwire("up", "--detach", "--nodes", String(nodes));
  using client = cluster.connect();
  const grewMs: number[] = [];
  for (let round = 0; round < rounds; round++) grewMs.push(await growth(client));
  const delays = await watchDelays(cluster, client);
  const percentile = (share: number) => delays[Math.floor(delays.length * share)] ?? Number.NaN;
  return [
    {
      name: `a Deployment from 0 to ${replicas} Ready pods, ${nodes} nodes`,
      value: median(grewMs) / 1000,
      unit: "s",
      target: "≤ 6",
    },
    { name: `a change until it is with each of ${watchers} watchers, p50`, value: percentile(0.5), unit: "ms" },
    { name: "the same, p99", value: percentile(0.99), unit: "ms", target: "≤ 50" },
  ];
}

/** In ms, from its creation until all its pods are Ready; it is gone again then. */
async function growth(client: ClusterClient): Promise<number> {
  const signal = AbortSignal.timeout(deadlineMs);
  const labels = { app: "grown" };
  const spec = { terminationGracePeriodSeconds: 0, containers: [{ name: "c", image: "podwire/toolbox" }] };
  const deployment = {
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "grown" } },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
  const request = { namespace: "default", labelSelector: "", fieldSelector: "", resourceVersion: "" };
  const ready = until(client, { ...request, kind: "Deployment" }, signal, (objects) =>
    [...objects.values()].some((object) => (object as Deployment).status?.readyReplicas === replicas),
  );
  const startedMs = performance.now();
  await create(client, deployment, signal);
  await ready;
  const tookMs = performance.now() - startedMs;
  const gone = until(client, { ...request, kind: "Pod" }, signal, (objects) => objects.size === 0);
  const target = { kind: "Deployment", namespace: "default", name: "grown", uid: undefined, gracePeriodSeconds: undefined };
  await client.delete({ ...target, dryRun: false }, { signal });
  await gone;
  return tookMs;
}

/** Of each change and each watcher, in ms, the shortest first. */
async function watchDelays(cluster: BenchCluster, client: ClusterClient): Promise<number[]> {
  using clients = new DisposableStack();
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(deadlineMs)]);
  await create(client, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "watched" }, data: { number: "-1" } }, signal);
  const sentMs: number[] = [];
  const delays: number[] = [];
  const seen = Array.from({ length: watchers }, () => -2);
  const connections = Array.from({ length: watchers / watchersOfAConnection }, () => clients.use(cluster.connect()));
  const watch = async (connection: ClusterClient, index: number) => {
    const request = { kind: "ConfigMap", namespace: "default", labelSelector: "", fieldSelector: "", resourceVersion: "" };
    for await (const { events } of connection.watch(request, { signal })) {
      for (const { object } of events) {
        if (object?.object?.$case !== "configMap" || object.object.value.metadata?.name !== "watched") continue;
        const number = Number(object.object.value.data.number);
        seen[index] = number;
        if (number >= 0) delays.push(performance.now() - (sentMs[number] ?? Number.NaN));
      }
    }
  };
  const watching = seen.map((_, index) => watch(connections[index % connections.length] ?? client, index).catch(() => {}));
  const allSaw = async (number: number) => {
    while (seen.some((last) => last < number)) await sleepFor(1, undefined, { signal });
  };
  await allSaw(-1);
  for (let number = 0; number < changes; number++) {
    sentMs[number] = performance.now();
    const json = JSON.stringify({ data: { number: String(number) } });
    const target = { kind: "ConfigMap", namespace: "default", name: "watched", validate: "", dryRun: false, subresource: "" };
    await client.patch({ ...target, type: "merge", json }, { signal });
    await allSaw(number);
    await sleepFor(betweenChangesMs);
  }
  over.abort();
  await Promise.all(watching);
  return delays.sort((a, b) => a - b);
}

async function create(client: ClusterClient, object: object, signal: AbortSignal): Promise<void> {
  const manifests = [{ json: JSON.stringify(object), source: "bench" }];
  await client.create({ manifests, namespace: "default", validate: "", dryRun: false }, { signal });
}

/** Follows objects by name until `holds`; what was there at the start counts. */
async function until(
  client: ClusterClient,
  request: Parameters<ClusterClient["watch"]>[0],
  signal: AbortSignal,
  holds: (objects: ReadonlyMap<string, unknown>) => boolean,
): Promise<void> {
  const objects = new Map<string, unknown>();
  for await (const { events } of client.watch(request, { signal })) {
    for (const { type, object } of events) {
      const value = object?.object?.value;
      const name = value?.metadata?.name ?? "";
      if (type === "DELETED") objects.delete(name);
      else if (value !== undefined) objects.set(name, value);
    }
    if (holds(objects)) return;
  }
}
