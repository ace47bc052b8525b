/* A node that is taken out of service, as a user meets it: its pods move one after the other, as their budget allows, and keep their names. */

import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const labels = { app: "web" };
const selector = { matchLabels: labels };
const metadata = { name: "web" };
const agnhost = "registry.k8s.io/e2e-test-images/agnhost:2.53";

const manifests = [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "peers" },
    spec: { clusterIP: "None", selector: labels, ports: [{ port: 8080 }] },
  },
  { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata, spec: { minAvailable: 2, selector } },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata,
    spec: {
      ...{ replicas: 3, serviceName: "peers", podManagementPolicy: "Parallel", selector },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              ...{ name: "web", image: agnhost, args: ["netexec", "--http-port=8080"] },
              readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 1 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: {
      selector: { matchLabels: { app: "agent" } },
      template: {
        metadata: { labels: { app: "agent" } },
        spec: { containers: [{ name: "agent", image: "podwire/toolbox", command: ["sleep", "inf"] }] },
      },
    },
  },
];

describe("draining a node", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, flags: ["--time-scale", "20"] });
  });
  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  const podsOf = async (app: string) => {
    const text = await cluster.run("get", "pods", "-l", `app=${app}`, "-o", "json");
    return (JSON.parse(text) as { items: Pod[] }).items;
  };
  const isReady = ({ metadata: { deletionTimestamp } = {} as never, status }: Pod) =>
    deletionTimestamp === undefined && status?.conditions.some((one) => one.type === "Ready" && one.status === "True") === true;

  it("moves its pods as fast as their budget allows, and leaves those of DaemonSets", async () => {
    assert.match(await cluster.run("version"), /^Time Scale: 20$/m);
    await cluster.run("cordon", "node-1");
    await cluster.apply(...manifests);
    const settled = async (node: string) => {
      const pods = await podsOf("web");
      return pods.length === 3 && pods.every((pod) => isReady(pod) && pod.spec?.nodeName === node);
    };
    await until(() => settled("node-2"), "three pods on one node", 20_000);
    await cluster.run("uncordon", "node-1");

    await using drain = cluster.start("drain", "node-2", "--ignore-daemonsets");
    let ended = false;
    void drain.result.then(() => {
      ended = true;
    });
    while (!ended) assert.ok((await podsOf("web")).filter(isReady).length >= 2, "the budget holds");
    assert.equal((await drain.result).code, 0, drain.stderr);
    assert.match(drain.stdout, /^node\/node-2 cordoned\n/);
    assert.match(drain.stdout, /pod\/web-[012] evicted\n/);
    assert.match(drain.stdout, /node\/node-2 drained\n$/);
    assert.match(drain.stderr, /^Warning: ignoring DaemonSet-managed Pods: default\/agent-/);
    assert.match(drain.stderr, /\(will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\./);
    await until(() => settled("node-1"), "three pods on the other node", 20_000);
    assert.deepEqual((await podsOf("agent")).map(({ spec }) => spec?.nodeName).sort(), ["node-1", "node-2"]);

    await cluster.run("uncordon", "node-2");
    await cluster.makePods(podOf({ name: "client" }));
    for (const pod of await podsOf("web")) {
      const name = `${pod.metadata?.name}.peers`;
      const look = async () => (await cluster.run("exec", "client", "--", "dig", "+short", "+search", name)).trim();
      await until(async () => (await look()) === pod.status?.podIP, `the address of ${name}`, 10_000);
    }
  });
});
