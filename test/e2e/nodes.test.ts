/* Nodes come and go while a cluster runs: what `podwire node` does, and that nothing of a host stays behind. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Node, Pod } from "#proto/podwire/v1/resources.ts";
import type { HostInfo } from "../../embedded/host-requests.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf, serverPod } from "../support/pod-manifests.ts";
import { processesBelow } from "../support/proc.ts";
import { until } from "../support/until.ts";

const zone = "topology.kubernetes.io/zone";

describe("podwire node", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 0, flags: ["--zones", "a=1,b=1"] });
  });
  after(() => cluster[Symbol.asyncDispose]());

  const hosts = async () => JSON.parse(await cluster.run("node", "list", "-o", "json")) as HostInfo[];
  const host = async (name: string) => (await hosts()).find((one) => one.name === name) ?? assert.fail(`no host ${name}`);
  const readiness = ({ status }: Node) => status?.conditions.find(({ type }) => type === "Ready")?.status;
  const becomes = (name: string, ready: string, timeoutMs: number) =>
    until(async () => readiness(await cluster.node(name)) === ready, `${name} Ready=${ready}`, timeoutMs);
  const addressOf = ({ status }: Pod) => status?.podIP ?? "";
  const curl = (from: string, address: string) =>
    cluster.podwire("exec", from, "--", "curl", "-s", "-m", "5", `http://${address}:8080/`);

  /** Everything in the sandbox that is a host's or a pod's, in words. */
  const traces = async (): Promise<string[]> => {
    const { init } = cluster.pids;
    const inSandbox = async (program: string, ...args: readonly string[]) =>
      (await promisify(execFile)("nsenter", ["--target", String(init), "--mount", "--net", "--", program, ...args])).stdout;
    const mounts = readFileSync(`/proc/${init}/mountinfo`, "utf8").trim().split("\n");
    return [
      ...(await inSandbox("ls", "/run/netns")).trim().split("\n"),
      ...((await inSandbox("ip", "-br", "link")).match(/^[^ @]+/gm) ?? []),
      ...mounts.map((line) => `mount ${line.split(" ")[4]}`),
      ...["state", "logs"].flatMap((folder) => readdirSync(join(cluster.dir, folder))),
      ...processesBelow(init).map(({ argv }) => argv.join(" ").slice(0, 200)),
    ].toSorted();
  };
  /** Short-lived programs of agents come and go. */
  const tracesAre = (wanted: readonly string[]) =>
    until(async () => JSON.stringify(await traces()) === JSON.stringify(wanted), "no trace").catch(async () =>
      assert.deepEqual(await traces(), wanted),
    );

  it("list shows the hosts, with the zones that up gave them", async () => {
    assert.deepEqual(
      (await cluster.run("node", "list"))
        .trim()
        .split("\n")
        .map((line) => line.split(/ +/)),
      [
        ["NAME", "POWER", "ZONE", "ADDRESS"],
        ["node-1", "running", "a", "172.18.1.1"],
        ["node-2", "running", "b", "172.18.1.2"],
      ],
    );
    assert.equal((await cluster.node("node-2")).metadata?.labels[zone], "b");
    assert.equal(await cluster.run("node", "list", "-o", "name"), "node/node-1\nnode/node-2\n");
    // On the host itself: entered as one that has its number from the list would.
    const [, , second] = (await cluster.run("node", "list", "-o", "wide")).trim().split("\n");
    const enter = [
      "--target",
      String(cluster.pids.init),
      "--mount",
      "--pid",
      "--",
      "nsenter",
      "--target",
      second?.split(/ +/)[4] ?? "",
      "--all",
      "--",
    ];
    assert.equal((await promisify(execFile)("nsenter", [...enter, "hostname"])).stdout, "node-2\n");
  });

  it("add makes a node that is Ready, in its zone, for pods that want to be there", async () => {
    assert.equal(await cluster.run("node", "add", "--zone", "c", "--labels", "disk=fast,tier=x"), "node/node-3 added\n");
    const { metadata, spec } = await cluster.node("node-3");
    assert.equal(readiness(await cluster.node("node-3")), "True");
    assert.deepEqual([metadata?.labels[zone], metadata?.labels.disk, metadata?.labels.tier], ["c", "fast", "x"]);
    assert.ok(spec?.podCIDR);
    const [there, here] = await cluster.makePods(
      serverPod("there", { spec: { nodeSelector: { [zone]: "c" } } }),
      serverPod("here", { node: "node-1" }),
    );
    assert.equal(there?.spec?.nodeName, "node-3");
    assert.match((await curl("here", addressOf(there as Pod))).stdout, new RegExp(`I see you as ${addressOf(here as Pod)}`));
  });

  it("kill ends everything of a host at once; start boots it as the same node, and runs its pods anew", async () => {
    const before_ = await cluster.node("node-3");
    const { address } = await host("node-3");
    const [pod] = await cluster.makePods(
      podOf({ name: "loner", node: "node-3", command: ["sh", "-c", "trap '' TERM; sleep 1000 & wait; wait"] }),
    );
    assert.ok(pod && cluster.containerProcesses(pod).length >= 3);
    const there = await cluster.pod("there");
    assert.equal(await cluster.run("node", "kill", "node-3"), "node/node-3 killed\n");
    assert.deepEqual([...cluster.containerProcesses(pod), ...cluster.containerProcesses(there)], []);
    assert.throws(() => cluster.pids.agent("node-3"));
    assert.notEqual((await curl("here", addressOf(there))).code, 0);
    await becomes("node-3", "Unknown", 4_000);
    assert.equal((await host("node-3")).power, "stopped");

    assert.equal(await cluster.run("node", "start", "node-3"), "node/node-3 started\n");
    const again = await cluster.node("node-3");
    assert.equal(readiness(again), "True");
    assert.deepEqual([again.metadata?.uid, again.spec?.podCIDR], [before_.metadata?.uid, before_.spec?.podCIDR]);
    assert.notEqual(again.status?.nodeInfo?.bootID, before_.status?.nodeInfo?.bootID);
    assert.equal((await host("node-3")).address, address);
    const restarts = async (name: string) => (await cluster.pod(name)).status?.containerStatuses[0]?.restartCount;
    for (const name of ["there", "loner"]) await until(async () => (await restarts(name)) === 1, `${name} anew`);
    await cluster.run("wait", "--for=condition=Ready", "pod/there", "pod/loner", "--timeout=10s");
    assert.equal((await curl("here", addressOf(await cluster.pod("there")))).code, 0);
    await cluster.run("delete", "pod", "loner", "--force", "--grace-period=0");
  });

  it("start comes back at once where the control plane has not even noticed", async () => {
    await cluster.run("node", "kill", "node-3");
    await cluster.run("node", "start", "node-3");
    await until(async () => (await cluster.podwire("exec", "there", "--", "true")).code === 0, "its pod to run again");
    const { conditions = [] } = (await cluster.node("node-3")).status ?? {};
    assert.ok(conditions.some(({ type, status }) => type === "Ready" && status === "True"));
  });

  it("stop asks the pods to end and waits as long as they have", async () => {
    const script = "trap 'echo asked; sleep 0.5; echo done; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    await cluster.makePods(
      podOf({ name: "polite", node: "node-3", command: ["sh", "-c", script], spec: { terminationGracePeriodSeconds: 20 } }),
      podOf({ name: "once", node: "node-3", command: ["sh", "-c", script], spec: { restartPolicy: "Never" } }),
    );
    for (const name of ["polite", "once"])
      await until(async () => /up/.test(await cluster.run("logs", name)), `${name} to be up`);
    await using watch = cluster.start("get", "node", "node-3", "-w", "--no-headers");
    await watch.says("Ready");
    assert.equal(await cluster.run("node", "stop", "node-3"), "node/node-3 stopped\n");
    // At once, and not when its lease is over.
    assert.match(watch.stdout, /NotReady/);
    const pods = await Promise.all(["polite", "once"].map((name) => cluster.pod(name)));
    assert.deepEqual(
      pods.flatMap((pod) => [...cluster.containerProcesses(pod)]),
      [],
    );
    // Told before the agent went.
    assert.equal(pods[0]?.status?.containerStatuses[0]?.ready, false);
    assert.equal(pods[1]?.status?.phase, "Succeeded");
    await cluster.run("node", "start", "node-3");
    await cluster.run("wait", "--for=condition=Ready", "pod/polite", "--timeout=10s");
    assert.equal(await cluster.run("logs", "polite", "--previous"), "up\nasked\ndone\n");
    assert.equal((await cluster.pod("once")).status?.phase, "Succeeded");
    await cluster.run("delete", "pod", "polite", "once", "--force", "--grace-period=0");
  });

  it("stop waits no longer than --timeout, and kill cuts it short", async () => {
    const deaf = podOf({
      name: "deaf",
      node: "node-3",
      command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"],
      spec: { terminationGracePeriodSeconds: 300 },
    });
    await cluster.makePods(deaf);
    const startedMs = performance.now();
    await cluster.run("node", "stop", "node-3", "--timeout", "1s");
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs > 1_000 && tookMs < 6_000, `it took ${tookMs} ms`);
    await cluster.run("node", "start", "node-3");
    await cluster.run("wait", "--for=condition=Ready", "pod/deaf", "--timeout=10s");
    await using stop = cluster.start("node", "stop", "node-3", "--timeout", "5m");
    await until(async () => (await host("node-3")).power === "stopping", "the stop to begin");
    assert.match((await cluster.podwire("node", "start", "node-3")).stderr, /node "node-3" is stopping/);
    await cluster.run("node", "kill", "node-3");
    assert.equal((await stop.result).stdout, "node/node-3 stopped\n");
    await cluster.run("node", "start", "node-3");
    await cluster.run("delete", "pod", "deaf", "--force", "--grace-period=0");
  });

  it("start boots a host whose first process died by another's hand", async () => {
    process.kill(cluster.pids.host("node-3"), "SIGKILL");
    await until(async () => (await host("node-3")).power === "stopped", "the host to be off");
    await cluster.run("node", "start", "node-3");
    await cluster.run("wait", "--for=condition=Ready", "pod/there", "--timeout=10s");
  });

  it("several at once come and go as one", async () => {
    assert.equal(await cluster.run("node", "add", "--count", "2", "--no-wait"), "node/node-4 added\nnode/node-5 added\n");
    for (const name of ["node-4", "node-5"])
      await until(async () => (await cluster.podwire("get", "node", name)).code === 0, name);
    const killed = await cluster.run("node", "kill", "node-4", "node/node-5");
    assert.deepEqual(killed.trim().split("\n").toSorted(), ["node/node-4 killed", "node/node-5 killed"]);
    const { code, stdout, stderr } = await cluster.podwire("node", "start", "node-4", "nope");
    assert.deepEqual([code, stdout], [1, "node/node-4 started\n"]);
    assert.match(stderr, /^error: there is no node "nope": the nodes are node-1, node-2, node-3, node-4, node-5\n$/);
    await cluster.run("node", "remove", "node-4", "node-5", "--force");
  });

  for (const { args, says } of [
    { args: ["start", "node-1"], says: /^error: node "node-1" is running: only one that is stopped can be started\n$/ },
    { args: ["remove", "nope"], says: /^error: there is no node "nope": the nodes are / },
    { args: ["add", "--count", "400"], says: /^error: the cluster has 3 of at most 250 nodes .*: 400 more don't fit/ },
    { args: ["add", "--labels", "a b=c"], says: /^error: label "a b=c": / },
  ]) {
    it(`refuses ${args.join(" ")}`, async () => {
      const { code, stderr } = await cluster.podwire("node", ...args);
      assert.equal(code, 1);
      assert.match(stderr, says);
    });
  }

  it("remove frees the node's name and its pod CIDR, and leaves no trace", async () => {
    await cluster.run("node", "remove", "node-3", "--force");
    await until(async () => (await cluster.podwire("get", "pod", "there")).code === 1, "the end of its pod");
    const without = await until(settled, "the sandbox to be quiet");
    await cluster.run("node", "add");
    const { podCIDR } = (await cluster.node("node-3")).spec ?? {};
    const { address } = await host("node-3");
    await cluster.makePods(serverPod("there", { node: "node-3" }));
    assert.equal(await cluster.run("node", "remove", "node-3"), "node/node-3 removed\n");
    assert.match((await cluster.podwire("get", "node", "node-3")).stderr, /not found/);
    await tracesAre(without);
    await until(async () => (await cluster.podwire("get", "pod", "there")).code === 1, "the end of its pod");
    await cluster.run("node", "add");
    assert.notEqual((await host("node-3")).address, address);
    assert.ok(podCIDR);
    await cluster.run("node", "remove", "node-3");
  });

  it("add does not take the name of a node whose host is gone but whose object is not", async () => {
    await cluster.run("node", "add");
    await cluster.run("node", "kill", "node-3");
    await cluster.run("node", "add");
    assert.deepEqual(
      (await hosts()).map(({ name }) => name),
      ["node-1", "node-2", "node-3", "node-4"],
    );
    await cluster.run("node", "remove", "node-3", "node-4", "--force");
  });

  it("leaves no trace after ten hosts with pods came and were killed and removed", async function () {
    this.timeout(180_000);
    const without = await until(settled, "the sandbox to be quiet");
    const blocks = new Set<string>();
    for (let i = 0; i < 10; i++) {
      await cluster.run("node", "add");
      blocks.add((await cluster.node("node-3")).spec?.podCIDR ?? "");
      await cluster.makePods(serverPod("short", { node: "node-3" }));
      assert.equal((await curl("here", addressOf(await cluster.pod("short")))).code, 0);
      await cluster.run("node", "kill", "node-3");
      await cluster.run("node", "remove", "node-3");
      await until(async () => (await cluster.podwire("get", "pod", "short")).code === 1, "the end of its pod");
    }
    await tracesAre(without);
    assert.ok(!existsSync(join(cluster.dir, "state", "node-3")));
    assert.ok(!blocks.has(""));
  });

  it("stops even the last node", async () => {
    await cluster.run("node", "stop", "node-1", "node-2", "--timeout", "2s");
    assert.deepEqual(
      (await hosts()).map(({ power }) => power),
      ["stopped", "stopped"],
    );
    await cluster.run("node", "start", "node-1", "node-2");
    await cluster.run("wait", "--for=condition=Ready", "pod/here", "--timeout=10s");
  });

  /** What is there twice in a row is there. */
  async function settled(): Promise<string[] | undefined> {
    const [one, two] = [await traces(), await traces()];
    return JSON.stringify(one) === JSON.stringify(two) ? two : undefined;
  }
});
