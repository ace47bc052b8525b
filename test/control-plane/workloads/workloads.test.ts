import assert from "node:assert/strict";
import type { Job, Pod, StatefulSet } from "#proto/podwire/v1/resources.ts";
import { startTestCluster, type TestCluster } from "../../support/control-plane.ts";
import { startFakeKubelet } from "../../support/fake-kubelet.ts";
import { until } from "../../support/until.ts";

const containers = [{ name: "main", image: "podwire/toolbox" }];
const labels = { app: "web" };
const template = { metadata: { labels }, spec: { containers } };
const selector = { matchLabels: labels };
const apps = (kind: string, spec: object = {}) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "web" },
  spec: { selector, template, ...spec },
});
const job = (spec: object = {}) => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "sums" },
  spec: { template: { spec: { restartPolicy: "Never", containers } }, ...spec },
});

const podsOf = ({ store }: TestCluster) => store.list("pods/default/").entries.map(({ value }) => value as Pod);
const namesOf = (cluster: TestCluster) => podsOf(cluster).map(({ metadata }) => metadata?.name ?? "");
const jobOf = ({ store }: TestCluster) => store.get("jobs/default/sums")?.value as Job | undefined;

describe("workloads in a cluster", () => {
  it("a StatefulSet's pods have names that can be looked up", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "peers" },
      spec: { clusterIP: "None", selector: labels, ports: [{ port: 80 }] },
    };
    await cluster.write("create", [service, apps("StatefulSet", { replicas: 3, serviceName: "peers" })]);
    const set = () => cluster.store.get("statefulsets/default/web")?.value as StatefulSet | undefined;
    await until(() => set()?.status?.readyReplicas === 3, "three ready pods");
    const hostnames = () =>
      [...session.view.endpointSlices.values()].flatMap(({ endpoints }) => endpoints.flatMap(({ hostname }) => hostname ?? []));
    await until(() => hostnames().length === 3, "their endpoints");
    assert.deepEqual(hostnames().sort(), ["web-0", "web-1", "web-2"]);
    assert.equal(cluster.store.list("templates/").entries.length, 1);
    await cluster.delete("StatefulSet", "web");
    assert.deepEqual(cluster.store.list("templates/").entries, [], "nothing is left of it");
    await until(() => podsOf(cluster).length === 0, "the end of its pods");
  });

  it("a DaemonSet's pods go to their nodes by the scheduler, and stay where others are drained away", async () => {
    await using cluster = await startTestCluster();
    const one = await cluster.joinReady("node-1");
    const two = await cluster.joinReady("node-2");
    await using _first = startFakeKubelet(one.session);
    await using _second = startFakeKubelet(two.session);
    await cluster.write("create", apps("DaemonSet"));
    const bound = () =>
      podsOf(cluster)
        .map(({ spec }) => spec?.nodeName ?? "")
        .sort()
        .join();
    await until(() => bound() === "node-1,node-2", "a pod on each");
    await cluster.delete("Node", "node-2");
    await until(() => bound() === "node-1", "one node less");
  });

  it("a Job that is sent again stays what it is, and takes its pods with it though nobody counted them", async () => {
    await using cluster = await startTestCluster();
    const { session } = await cluster.joinReady("node-1");
    await using _kubelet = startFakeKubelet(session);
    await cluster.write("apply", job());
    await until(() => jobOf(cluster)?.status?.ready === 1, "a ready pod");
    const [again] = await cluster.write("apply", job());
    assert.equal(again?.action, "unchanged");
    const [replaced] = await cluster.write("update", job({ backoffLimit: 2 }));
    assert.equal(replaced?.action, "configured");
    assert.equal(
      jobOf(cluster)?.spec?.selector?.matchLabels["batch.kubernetes.io/controller-uid"],
      jobOf(cluster)?.metadata?.uid,
    );
    await cluster.delete("Job", "sums");
    await until(() => podsOf(cluster).length === 0, "the end of its pods");
  });

  it("go on where they were when the control plane is another", async () => {
    await using cluster = await startTestCluster();
    await cluster.joinReady("node-1");
    await cluster.write("create", [
      apps("StatefulSet", { podManagementPolicy: "Parallel", replicas: 2 }),
      job({ completions: 3, parallelism: 2 }),
    ]);
    await until(() => podsOf(cluster).length === 4, "their pods");
    const before = namesOf(cluster).sort();
    await using other = await startTestCluster({ store: cluster.store });
    const set = apps("StatefulSet", { podManagementPolicy: "Parallel", replicas: 3 });
    await other.write("apply", set);
    await until(() => namesOf(other).includes("web-2"), "one more pod");
    assert.deepEqual(
      namesOf(other)
        .filter((name) => name !== "web-2")
        .sort(),
      before,
      "no pod too many",
    );
  });
});
