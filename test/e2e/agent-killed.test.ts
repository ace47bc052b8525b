/* An agent that is killed with -9, or stands still: its pods run on, their traffic too as far as it needs no agent, and the next
 * agent takes them over as they are. */

import assert from "node:assert/strict";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { echoClient, echoServer, moreAnswers, pinger, readEchoes, readPings } from "../support/pod-traffic.ts";
import { until } from "../support/until.ts";

const victim = "node-2";

describe("an agent", () => {
  let cluster: Cluster;
  let server: Pod;
  const pod = (name: string) => cluster.pod(name);
  const address = ({ status }: Pod) => status?.podIP ?? "";

  before(async () => {
    cluster = await startCluster({ nodes: 3 });
    const [made] = await cluster.makePods(echoServer({ name: "server", node: victim }));
    assert.ok(made);
    server = made;
    const away = await cluster.makePods(echoServer({ name: "away", node: "node-1" }));
    await cluster.makePods(
      pinger({ name: "same-node", node: victim }, address(server)),
      pinger({ name: "to-victim", node: "node-1" }, address(server)),
      echoClient({ name: "tcp-to-victim", node: "node-1" }, address(server)),
      pinger({ name: "others", node: "node-3" }, address(away[0] as Pod)),
    );
    await moreAnswers(cluster, "tcp-to-victim", 5);
  });

  after(() => cluster[Symbol.asyncDispose]());

  const onVictim = ["server", "same-node"];
  const statesOf = async (names: readonly string[]) => {
    const pods = await Promise.all(names.map(pod));
    return pods.map((each) => ({
      name: each.metadata?.name,
      address: address(each),
      restarts: each.status?.containerStatuses.map(({ restartCount }) => restartCount),
      pids: cluster.containerProcesses(each).map(({ pid }) => pid),
    }));
  };
  const ready = async () => (await cluster.node(victim)).status?.conditions.find(({ type }) => type === "Ready")?.status;
  const becomes = (status: string) => until(async () => (await ready()) === status, `${victim} Ready=${status}`, 15_000);
  const agentBut = (old: number) =>
    until(() => {
      try {
        const pid = cluster.pids.agent(victim);
        return pid === old ? undefined : pid;
      } catch {
        return undefined;
      }
    }, "a new agent");
  /** Every event of the node that `get -w` shows. */
  const readiness = () => cluster.start("get", "node", victim, "-w", "--no-headers");

  it("killed with -9 comes again, and finds its pods as they are; nobody notices", async () => {
    const before_ = await statesOf(onVictim);
    assert.ok(before_.every(({ pids }) => pids.length >= 2));
    await using watch = readiness();
    await watch.says("Ready");
    for (let i = 0; i < 2; i++) {
      const old = cluster.pids.agent(victim);
      process.kill(old, "SIGKILL");
      await agentBut(old);
      await moreAnswers(cluster, "tcp-to-victim", 25);
    }
    // The new agent answers for them.
    assert.match(await cluster.run("exec", "server", "--", "hostname"), /^server\n/);
    assert.deepEqual(await statesOf(onVictim), before_);
    const { lost, answered } = readPings(await cluster.run("logs", "same-node"));
    assert.equal(lost, 0, `of ${answered} pings on the node itself`);
    const { inOrder, end, longestGapMs } = readEchoes(await cluster.run("logs", "tcp-to-victim"));
    assert.deepEqual({ inOrder, end }, { inOrder: true, end: "" });
    assert.ok(longestGapMs < 8_000, `the connection stood still for ${longestGapMs} ms`);
    assert.doesNotMatch(watch.stdout, /NotReady/);
  });

  it("learns of the exits that it missed", async () => {
    const ended = podOf({ name: "ended", node: victim, command: ["sleep", "1000"], spec: { restartPolicy: "Never" } });
    const failed = podOf({ name: "failed", node: victim, command: ["sleep", "1000"], spec: { restartPolicy: "Never" } });
    const again = podOf({ name: "again", node: victim, command: ["sleep", "1000"] });
    const stays = podOf({ name: "stays", node: victim, command: ["sleep", "1000"] });
    const pods = await cluster.makePods(ended, failed, again, stays);
    const command = (each: Pod | undefined) => cluster.containerProcesses(each as Pod)[1]?.pid ?? assert.fail("it does not run");
    const [, , , staying] = pods.map(command);
    await withoutAgent(async () => {
      process.kill(command(pods[0]), "SIGTERM");
      process.kill(command(pods[1]), "SIGKILL");
      process.kill(command(pods[2]), "SIGKILL");
      await until(() => pods.slice(0, 3).every((each) => cluster.containerProcesses(each as Pod).length === 0), "three ends");
    });
    for (const [name, code] of [
      ["ended", 143],
      ["failed", 137],
    ] as const) {
      await until(async () => (await pod(name)).status?.phase === "Failed", `the failure of ${name}`);
      assert.equal((await pod(name)).status?.containerStatuses[0]?.state?.terminated?.exitCode, code);
    }
    await until(async () => (await pod("again")).status?.containerStatuses[0]?.restartCount === 1, "a restart");
    assert.equal(address(await pod("again")), address(pods[2] as Pod));
    assert.equal((await pod("stays")).status?.containerStatuses[0]?.restartCount, 0);
    assert.equal(command(pods[3]), staying);
    await cluster.run("delete", "pod", "ended", "failed", "again", "stays", "--force", "--grace-period=0");
  });

  it("finds pods gone that were deleted while it was away, and removes all of them", async () => {
    const [doomed] = await cluster.makePods(podOf({ name: "doomed", node: victim }));
    assert.ok(doomed);
    await withoutAgent(async () => {
      await cluster.run("delete", "pod", "doomed", "--wait=false");
      assert.notEqual(cluster.containerProcesses(doomed).length, 0);
    });
    await cluster.run("wait", "--for=delete", "pod/doomed", "--timeout=10s");
    assert.equal(cluster.containerProcesses(doomed).length, 0);
  });

  it("that stays away makes its node NotReady after three seconds, and Ready again when it returns", async () => {
    const before_ = await statesOf(onVictim);
    const conditionBefore = performance.now();
    await withoutAgent(async () => {
      await becomes("Unknown");
      const tookMs = performance.now() - conditionBefore;
      assert.ok(tookMs > 2_000, `NotReady already after ${tookMs} ms`);
      assert.match(await cluster.run("get", "node", victim, "--no-headers"), /NotReady/);
      const podReady = async () => (await pod("server")).status?.conditions.find(({ type }) => type === "Ready")?.status;
      await until(async () => (await podReady()) === "False", "a pod of it that is not Ready");
    });
    await becomes("True");
    await cluster.run("wait", "--for=condition=Ready", "pod/server", "--timeout=10s");
    assert.deepEqual(await statesOf(onVictim), before_);
  });

  it("that stands still slows nobody but those who talk to its node", async () => {
    const others = (await cluster.run("logs", "others")).length;
    const agent = cluster.pids.agent(victim);
    process.kill(agent, "SIGSTOP");
    try {
      await becomes("Unknown");
      await moreAnswers(cluster, "others", 50);
    } finally {
      process.kill(agent, "SIGCONT");
    }
    await becomes("True");
    assert.equal(cluster.pids.agent(victim), agent);
    const meanwhile = readPings((await cluster.run("logs", "others")).slice(others));
    assert.equal(meanwhile.lost, 0, `of ${meanwhile.answered}`);
    assert.ok(meanwhile.slowestMs < 500, `a ping between the others took ${meanwhile.slowestMs} ms`);
    await moreAnswers(cluster, "to-victim", 10);
    const { lost } = readPings(await cluster.run("logs", "same-node"));
    assert.equal(lost, 0, "on the node itself");
  });

  it("carries a flood from one pod without starving another pair", async () => {
    const beforeFlood = (await cluster.run("logs", "to-victim")).length;
    const script = `
      const socket = require('dgram').createSocket('udp4');
      const payload = Buffer.alloc(1200);
      const send = () => { for (let i = 0; i < 200; i++) socket.send(payload, 7001, '${address(server)}'); };
      socket.on('error', () => {});
      setInterval(send, 5);
    `;
    await cluster.makePods(podOf({ name: "flood", node: "node-1", command: ["/run/podwire/node", "-e", script] }));
    await moreAnswers(cluster, "to-victim", 100);
    await cluster.run("delete", "pod", "flood", "--force", "--grace-period=0");
    const { slowestMs, answered, lost } = readPings((await cluster.run("logs", "to-victim")).slice(beforeFlood));
    assert.ok(slowestMs < 1_000, `a ping beside the flood took ${slowestMs} ms`);
    assert.ok(lost < answered, `${lost} lost, ${answered} answered`);
  });

  /** Runs `action` while the node's agent is dead and not started again. */
  async function withoutAgent(action: () => Promise<void>): Promise<void> {
    const old = cluster.pids.agent(victim);
    const { supervisor } = cluster.pids;
    process.kill(supervisor, "SIGSTOP");
    try {
      process.kill(old, "SIGKILL");
      await action();
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await agentBut(old);
  }
});
