/* Where pods go and where they may not stay, as a user meets it: taints, requests, ports of the node, and what events say. */

import assert from "node:assert/strict";
import type { Event } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const withMain = (name: string, more: object) =>
  podOf({ name, spec: { containers: [{ name: "main", image: "podwire/toolbox", ...more }] } });

describe("scheduling", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  const reasonOf = async (name: string) =>
    (await cluster.pod(name)).status?.conditions.find(({ type }) => type === "PodScheduled")?.message;

  const eventsOf = async (name: string) => {
    const text = await cluster.run("get", "events", "--field-selector", `involvedObject.name=${name}`, "-o", "json");
    return (JSON.parse(text) as { items: Event[] }).items;
  };

  it("says in events what becomes of a pod, first the scheduler, then its node", async () => {
    await cluster.makePods(podOf({ name: "told" }));
    await until(
      async () => (await eventsOf("told")).some(({ reason }) => reason === "Started"),
      "an event that it started",
      10_000,
    );
    const events = await eventsOf("told");
    const scheduled = events.find(({ reason }) => reason === "Scheduled");
    assert.match(scheduled?.message ?? "", /^Successfully assigned default\/told to node-[12]$/);
    const started = events.find(({ reason }) => reason === "Started");
    assert.equal(started?.source?.component, "kubelet");
    assert.equal(started?.source?.host, (await cluster.pod("told")).spec?.nodeName);
    assert.match(started?.involvedObject?.fieldPath ?? "", /^spec\.containers\{.+\}$/);
    await cluster.run("delete", "pod", "told", "--grace-period=0", "--force");
  });

  it("leaves a pod Pending that asks for more than any node has, and says so in an event", async () => {
    await cluster.apply(withMain("huge", { resources: { requests: { cpu: "10k" } } }));
    await until(async () => (await reasonOf("huge")) === "0/2 nodes are available: 2 Insufficient cpu.", "the reason", 10_000);
    await until(
      async () => (await eventsOf("huge")).some(({ reason, type }) => reason === "FailedScheduling" && type === "Warning"),
      "an event",
      10_000,
    );
    await cluster.run("delete", "pod", "huge");
  });

  it("gives a port of a node to one pod at a time", async () => {
    const taking = (name: string) => withMain(name, { ports: [{ containerPort: 8080, hostPort: 8080 }] });
    await cluster.makePods(taking("port-1"), taking("port-2"));
    await cluster.apply(taking("port-3"));
    const says = "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.";
    await until(async () => (await reasonOf("port-3")) === says, "the reason", 10_000);
    await cluster.run("delete", "pod", "port-1", "--grace-period=0", "--force");
    await until(async () => ((await cluster.pod("port-3")).spec?.nodeName ?? "") !== "", "a node", 10_000);
    await cluster.run("delete", "pod", "port-2", "port-3", "--grace-period=0", "--force");
  });

  it("drives pods from a node that gets a taint which they do not tolerate", async () => {
    await cluster.makePods(
      podOf({ name: "leaves", spec: { nodeName: "node-1", terminationGracePeriodSeconds: 0 } }),
      podOf({ name: "stays", spec: { nodeName: "node-1", tolerations: [{ key: "maintenance", operator: "Exists" }] } }),
    );
    await cluster.run("taint", "node", "node-1", "maintenance=now:NoExecute");
    await until(async () => (await cluster.podwire("get", "pod", "leaves")).code !== 0, "gone", 15_000);
    assert.equal((await cluster.pod("stays")).metadata?.deletionTimestamp, undefined);
    const [other] = await cluster.makePods(podOf({ name: "other" }));
    assert.equal(other?.spec?.nodeName, "node-2");
    await cluster.run("taint", "node", "node-1", "maintenance:NoExecute-");
    await cluster.run("delete", "pod", "stays", "other", "--grace-period=0", "--force");
  });

  it("keeps pods off a node that is cordoned, which a taint says", async () => {
    assert.equal(await cluster.run("cordon", "node-1"), "node/node-1 cordoned\n");
    const taints = async () => (await cluster.node("node-1")).spec?.taints?.map(({ key, effect }) => `${key}:${effect}`) ?? [];
    await until(async () => (await taints()).includes("node.kubernetes.io/unschedulable:NoSchedule"), "the taint", 10_000);
    const pods = await cluster.makePods(podOf({ name: "off-1" }), podOf({ name: "off-2" }));
    assert.deepEqual(
      pods.map(({ spec }) => spec?.nodeName),
      ["node-2", "node-2"],
    );
    await cluster.run("uncordon", "node-1");
    await until(async () => (await taints()).length === 0, "no taint", 10_000);
    await cluster.run("delete", "pod", "off-1", "off-2", "--grace-period=0", "--force");
  });

  it("changes a pod as patches of each type say, and no more than a pod may change", async () => {
    await cluster.makePods(podOf({ name: "patched" }));
    const patch = (...args: readonly string[]) => cluster.podwire("patch", "pod", "patched", ...args);
    assert.equal((await patch("-p", '{"metadata":{"labels":{"a":"1","b":"2"}}}')).stdout, "pod/patched patched\n");
    assert.equal((await patch("--type=merge", "-p", '{"metadata":{"labels":{"a":null}}}')).code, 0);
    const operations =
      '[{"op":"test","path":"/metadata/labels/b","value":"2"},{"op":"replace","path":"/metadata/labels/b","value":"3"}]';
    assert.equal((await patch("--type=json", "-p", operations)).code, 0);
    assert.deepEqual((await cluster.pod("patched")).metadata?.labels, { b: "3" });
    const again = await patch("--type=json", "-p", operations);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /operation 1 of the json patch \(test "\/metadata\/labels\/b"\) does not apply/);
    const forbidden = await patch("-p", '{"spec":{"hostname":"other"}}');
    assert.match(forbidden.stderr, /Pod "patched" is invalid: spec: Forbidden: pod updates may not change fields other than/);
    await cluster.run("delete", "pod", "patched", "--grace-period=0", "--force");
  });
});
