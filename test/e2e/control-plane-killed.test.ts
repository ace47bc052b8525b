/* A control plane that is killed with -9 and comes again: pods never notice, and nothing that was promised is forgotten. */

import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { echoClient, echoServer, moreAnswers, pinger, readEchoes, readPings } from "../support/pod-traffic.ts";
import { until } from "../support/until.ts";

describe("a control plane killed with -9", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });

  after(() => cluster[Symbol.asyncDispose]());

  const answers = () =>
    until(async () => (await cluster.podwire("get", "nodes")).code === 0, "an answer of the control plane", 20_000);
  const list = async <T>(kind: string) =>
    (JSON.parse(await cluster.run("get", kind, "-o", "json")) as { readonly items: readonly T[] }).items;
  const pidsOf = (pods: readonly Pod[]) => pods.map((pod) => cluster.containerProcesses(pod).map(({ pid }) => pid));

  it("leaves pods and their traffic as they are, three times in a row", async () => {
    const [near, far] = await cluster.makePods(
      echoServer({ name: "near", node: "node-1" }),
      echoServer({ name: "far", node: "node-2" }),
    );
    const addressOf = (pod: Pod | undefined) => pod?.status?.podIP ?? "";
    const names = ["ping-near", "ping-far", "echo-far"];
    await cluster.makePods(
      pinger({ name: "ping-near", node: "node-1" }, addressOf(near)),
      pinger({ name: "ping-far", node: "node-1" }, addressOf(far)),
      echoClient({ name: "echo-far", node: "node-1" }, addressOf(far)),
    );
    await moreAnswers(cluster, "echo-far", 5);
    const before_ = await list<Pod>("pods");
    const nodesBefore = await cluster.run("get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}");
    const pids = pidsOf(before_);
    assert.ok(pids.every(({ length }) => length >= 2));

    for (let killed = new Set<number>(); killed.size < 3; ) {
      const pid = await until(() => controlPlaneBut(killed), "a new control plane");
      process.kill(pid, "SIGKILL");
      killed = new Set([...killed, pid]);
    }
    await answers();
    await cluster.run("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=10s");
    await moreAnswers(cluster, "echo-far", 5);

    const after_ = await list<Pod>("pods");
    assert.deepEqual(after_.map(identityOf), before_.map(identityOf));
    assert.deepEqual(pidsOf(after_), pids);
    assert.equal(await cluster.run("get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}"), nodesBefore);
    for (const name of ["ping-near", "ping-far"]) {
      const { lost, answered } = readPings(await cluster.run("logs", name));
      assert.deepEqual({ name, lost }, { name, lost: 0 }, `of ${answered}`);
    }
    const { inOrder, end, longestGapMs } = readEchoes(await cluster.run("logs", "echo-far"));
    assert.deepEqual({ inOrder, end }, { inOrder: true, end: "" });
    assert.ok(longestGapMs < 1_000, `the connection stood still for ${longestGapMs} ms`);
    await cluster.run("delete", "pod", ...names, "near", "far", "--grace-period=0", "--force");
  });

  const controlPlaneBut = (killed: ReadonlySet<number>) => {
    try {
      const pid = cluster.pids.controlPlane;
      return killed.has(pid) ? undefined : pid;
    } catch {
      return undefined;
    }
  };

  it("has kept every object that was acknowledged, and gives nothing away twice", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `p${i}`);
    // In the middle of many writes: what is answered counts.
    const writes = names.map((name) => cluster.feed(JSON.stringify(podOf({ name })), "apply", "-f", "-"));
    await Promise.race(writes);
    process.kill(cluster.pids.controlPlane, "SIGKILL");
    const results = await Promise.all(writes);
    await answers();
    const kept = new Set((await list<Pod>("pods")).map(({ metadata }) => metadata?.name ?? ""));
    const acknowledged = names.filter((_, i) => results[i]?.code === 0);
    assert.notEqual(acknowledged.length, 0);
    assert.deepEqual(
      acknowledged.filter((name) => !kept.has(name)),
      [],
    );
    for (const { code, stderr } of results) assert.ok(code === 0 || /Error|error/.test(stderr));

    const pods = await cluster.makePods(...names.map((name) => podOf({ name })));
    const addresses = pods.map(({ status }) => status?.podIP ?? "");
    assert.equal(new Set(addresses).size, names.length, addresses.join(" "));
    assert.ok(addresses.every((address) => address !== ""));
  });

  it("takes exec, logs and new pods again", async () => {
    const [fresh] = await cluster.makePods(podOf({ name: "fresh" }));
    assert.match(await cluster.run("exec", "fresh", "--", "ip", "-4", "-o", "address"), new RegExp(`${fresh?.status?.podIP}/32`));
    assert.equal((await cluster.podwire("exec", "p0", "--", "sh", "-c", "exit 5")).code, 5);
  });

  it("says so to whoever asks while it is away, and to whoever was following", async () => {
    await using follow = cluster.start("get", "pods", "-w");
    await follow.says("fresh");
    await using run = cluster.start("exec", "fresh", "--", "sh", "-c", "echo begun; exec sleep 60");
    await run.says("begun");
    process.kill(cluster.pids.supervisor, "SIGSTOP");
    try {
      process.kill(cluster.pids.controlPlane, "SIGKILL");
      const [watched, executed] = await Promise.all([follow.result, run.result]);
      assert.notEqual(executed.code, 0);
      assert.match(executed.stderr, /exit code is unknown|unavailable|Unavailable/);
      assert.notEqual(watched.code, 0);
      const { code, stderr } = await cluster.podwire("get", "pods");
      assert.equal(code, 1);
      assert.match(stderr, /isn't running: nobody listens/);
    } finally {
      process.kill(cluster.pids.supervisor, "SIGCONT");
    }
    await answers();
  });
});

function identityOf({ metadata, spec, status }: Pod): object {
  const restarts = status?.containerStatuses.map(({ restartCount }) => restartCount);
  return {
    name: metadata?.name,
    uid: metadata?.uid,
    node: spec?.nodeName,
    address: status?.podIP,
    phase: status?.phase,
    restarts,
  };
}
