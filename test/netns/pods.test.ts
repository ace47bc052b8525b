import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCidr } from "#core/cidr.ts";
import { AppError } from "#core/errors.ts";
import { formatIpv4, parseIpv4 } from "#core/ipv4.ts";
import { createRng } from "#core/rng.ts";
import { netnsPath } from "#kernel/netns.ts";
import type { Network, NetworkStep } from "#kernel/network.ts";
import { hostMac, podGateway, podMtu } from "#kernel/network.ts";
import { run } from "#kernel/run.ts";
import { Pod } from "#proto/podwire/v1/resources.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";
import { processesNamed } from "./container-lab.ts";
import { deleted, fastClock, makePod, openPodLab, uidOf } from "./pod-lab.ts";

const { signal } = new AbortController();
const idle = ["sleep", "infinity"];

describe("a node's pods", () => {
  before(requireSandbox);
  describe("and their network", describeNetworks);
  describe("and their containers", describeContainers);
  describe("that are deleted", describeDeletion);
  describe("under an agent that starts again", describeRestarts);
  describe("whose set-up was cut short", describeHalfMade);
});

function describeNetworks(): void {
  it("come up with an address, a route, a neighbour and an MTU, and go without a trace", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("web", idle);
    agent.set(pod);
    await agent.running(pod);
    assert.deepEqual([agent.status(pod)?.podIP, agent.status(pod)?.hostIP], ["10.244.1.2", "192.168.0.1"]);
    await lab.assertOnly(pod);

    const json = async (...args: string[]) => JSON.parse(await lab.inPod(pod, "ip", "-json", "-4", ...args));
    const [lo, eth0] = await json("address", "show");
    assert.deepEqual([lo.operstate !== "DOWN", eth0.ifname, eth0.mtu, eth0.operstate], [true, "eth0", podMtu, "UP"]);
    assert.deepEqual([eth0.addr_info[0].local, eth0.addr_info[0].prefixlen], ["10.244.1.2", 32]);
    const routes = await json("route", "show");
    assert.deepEqual(
      routes.map(({ dst, gateway, dev, scope }: Record<string, string>) => [dst, gateway, dev, scope]),
      [
        ["default", podGateway, "eth0", undefined],
        [podGateway, undefined, "eth0", "link"],
      ],
    );
    const [neighbour] = await json("neighbour", "show");
    assert.deepEqual([neighbour.dst, neighbour.lladdr, neighbour.state], [podGateway, hostMac, ["PERMANENT"]]);
    const { device } = lab.link(pod);
    const [hostEnd] = JSON.parse(await run(["ip", "-json", "address", "show", "dev", device], { signal }));
    assert.deepEqual([hostEnd.address, hostEnd.mtu, hostEnd.addr_info], [hostMac, podMtu, []]);
    const [known] = JSON.parse(await run(["ip", "-json", "neighbour", "show", "dev", device], { signal }));
    assert.deepEqual([known.dst, known.lladdr, known.state], ["10.244.1.2", "0a:58:0a:f4:01:02", ["PERMANENT"]]);

    agent.set();
    await until(() => agent.pods.heldUids.length === 0, "the pod to go");
    await lab.assertOnly();
  });

  it("reach each other and are reached by the node, each under its own address", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const server = makePod("server", [], { containers: [{ name: "main", image: "podwire/toolbox", args: ["http-server"] }] });
    const client = makePod("client", idle);
    agent.set(server, client);
    await agent.running(server, client);
    const address = agent.status(server)?.podIP;
    const ask = [
      "curl",
      "-s",
      "--retry",
      "20",
      "--retry-delay",
      "0",
      "--retry-connrefused",
      "--max-time",
      "10",
      `http://${address}:8080/clientip`,
    ];
    const fromPod = await lab.inPod(client, ...ask);
    assert.equal(fromPod.split(":")[0], agent.status(client)?.podIP);
    const fromNode = await run(["nsenter", "--", ...ask], { signal });
    assert.equal(fromNode.split(":")[0], "192.168.0.1");
    await lab.inPod(server, "ping", "-c1", "-W2", "192.168.0.1");
    const { address: own } = lab.link(client);
    await run(["ping", "-c1", "-W2", formatIpv4(own)], { signal });
    await assert.rejects(lab.inPod(client, "ping", "-c1", "-W2", "10.244.1.200"), /Unreachable|exit code/);
  });

  it("share one network between their containers", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const ask = "until curl -s --max-time 1 http://127.0.0.1:8080/hostname; do sleep 0.05; done; sleep infinity";
    const pod = makePod("pair", [], {
      containers: [
        { name: "server", image: "podwire/toolbox", args: ["http-server"] },
        { name: "client", image: "any", command: ["sh", "-c", ask] },
      ],
    });
    agent.set(pod);
    await agent.running(pod);
    const logPath = agent.pods.find("default", "pair", "client").logPath(0) ?? "";
    await until(() => readFileSync(logPath, "utf8") === "pair", "the client's answer");
    const comm = (container: string) => readFileSync(`/proc/${agent.initOf(pod, container)}/net/dev`, "utf8").includes("eth0");
    assert.deepEqual([comm("server"), comm("client")], [true, true]);
  });

  it("send under their own address only", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("spoofer", idle);
    const victim = makePod("victim", idle);
    agent.set(pod, victim);
    await agent.running(pod, victim);
    // Counts what gets past the raw hooks.
    const { device } = lab.link(pod);
    const probe = ["add table ip probe", "add chain ip probe seen { type filter hook prerouting priority 0; }"];
    await run(["nft", "-f", "-"], {
      input: [...probe, `add rule ip probe seen iifname ${device} counter`, ""].join("\n"),
      signal,
    });
    const passed = () => packetsOf("probe", "seen");
    const dropped = () => packetsOf("podwire", "antispoof");
    await lab.inPod(pod, "ping", "-c1", "-W2", "192.168.0.1");
    assert.deepEqual([await dropped(), await passed()], [0, 1]);
    for (const [i, stolen] of ["10.244.1.99", agent.status(victim)?.podIP ?? "", "192.168.0.1"].entries()) {
      await lab.inPod(pod, "ip", "address", "add", `${stolen}/32`, "dev", "eth0");
      const target = stolen === "192.168.0.1" ? formatIpv4(lab.link(victim).address) : "192.168.0.1";
      await assert.rejects(lab.inPod(pod, "ping", "-c1", "-W1", "-I", stolen, target));
      assert.ok((await dropped()) > i, `packets from ${stolen} are counted`);
      assert.equal(await passed(), 1, `packets from ${stolen} are dropped`);
      await lab.inPod(pod, "ip", "address", "del", `${stolen}/32`, "dev", "eth0");
    }
  });

  it("may be in the node's own network", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("host", ["sh", "-c", "hostname; sleep infinity"], { spec: { hostNetwork: true } });
    agent.set(pod);
    await agent.running(pod);
    assert.equal(agent.status(pod)?.podIP, "192.168.0.1");
    const logPath = agent.pods.find("default", "host", "").logPath(0) ?? "";
    await until(() => readFileSync(logPath, "utf8") === `${lab.spec.nodeName}\n`, "the node's name");
    assert.deepEqual((await lab.network.read(signal)).netns, []);
    agent.set(deleted(pod, 0));
    await agent.gone(pod);
    await lab.assertOnly();
  });

  it("wait while no address is free, and say so; they come up when one has rested", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ podCidr: "10.244.1.0/30", clock: fastClock(20) });
    const [first, second] = [makePod("first", idle), makePod("second", idle)];
    agent.set(first);
    await agent.running(first);
    agent.set(first, second);
    await until(() => agent.status(second)?.message, "a message");
    assert.equal(agent.status(second)?.phase, "Pending");
    assert.match(agent.status(second)?.message ?? "", /no pod address is free in 10\.244\.1\.0\/30: 1 are in use/);
    agent.set(second);
    await until(() => /1 rest for 30 s/.test(agent.status(second)?.message ?? ""), "the address to rest");
    await agent.running(second);
    assert.deepEqual([agent.status(second)?.podIP, agent.status(second)?.message], ["10.244.1.2", undefined]);
  });

  it("get another address when the node gets another block", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("nomad", idle);
    agent.set(pod);
    await agent.running(pod);
    agent.renumber("10.244.7.0/24");
    await until(() => agent.status(pod)?.podIP === "10.244.7.2", "an address of the new block");
    await agent.running(pod);
    assert.deepEqual((await lab.network.read(signal)).devices, [lab.link(pod).device]);
  });

  it("come up in the end where the network fails at first", async () => {
    await using lab = await openPodLab();
    let failures = 3;
    const network: Network = {
      read: (signal) => lab.network.read(signal),
      async apply(steps, signal) {
        if (failures === 0 || !steps.some(({ op }) => op === "add-pod")) return lab.network.apply(steps, signal);
        failures -= 1;
        await lab.network.apply(steps.slice(0, steps.findIndex(({ op }) => op === "add-pod") + 1), signal);
        throw new AppError("internal", "ip: told to fail");
      },
    };
    await using agent = lab.startAgent({ network, clock: fastClock(10) });
    const pod = makePod("patient", idle);
    agent.set(pod);
    await until(() => agent.status(pod)?.message === "ip: told to fail", "the reason in the status");
    await agent.running(pod);
    await lab.assertOnly(pod);
  });

  it("come up beside one whose network fails", async () => {
    await using lab = await openPodLab();
    const broken = makePod("broken", idle);
    let tooLong = true;
    const network: Network = {
      read: (signal) => lab.network.read(signal),
      apply: (steps, signal) =>
        lab.network.apply(
          steps.map((step) =>
            tooLong && step.op === "add-pod" && step.link.netns.endsWith(uidOf(broken))
              ? { ...step, link: { ...step.link, device: "longer-than-a-kernel-takes" } }
              : step,
          ),
          signal,
        ),
    };
    await using agent = lab.startAgent({ network });
    const others = [makePod("one", idle), makePod("two", idle)];
    agent.set(broken, ...others);
    await until(() => /longer-than-a-kernel-takes/.test(agent.status(broken)?.message ?? ""), "the reason in the status");
    await agent.running(...others);
    const later = makePod("later", idle);
    agent.set(broken, ...others, later);
    await agent.running(later);
    assert.notEqual(agent.status(broken)?.phase, "Running");
    tooLong = false;
    await agent.running(broken);
    await lab.assertOnly(broken, ...others, later);
  });
}

/** What the one counter of a chain has counted. */
async function packetsOf(table: string, chain: string): Promise<number> {
  const { nftables } = JSON.parse(await run(["nft", "-j", "list", "chain", "ip", table, chain], { signal })) as {
    nftables: { rule?: { expr: { counter?: { packets: number } }[] } }[];
  };
  const counters = nftables.flatMap(({ rule }) => rule?.expr ?? []).flatMap(({ counter }) => counter ?? []);
  return counters[0]?.packets ?? 0;
}

function describeContainers(): void {
  it("run again when they end, later each time, and say how they ended", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent({ clock: fastClock(200) });
    const pod = makePod("crasher", ["sh", "-c", "echo run; exit 3"]);
    agent.set(pod);
    await until(() => (agent.status(pod)?.containerStatuses[0]?.restartCount ?? 0) >= 4, "the fourth restart");
    const states = agent.history.flatMap(({ status }) => status?.containerStatuses ?? []);
    const messages = [...new Set(states.map(({ state }) => state?.waiting?.message).filter(Boolean))];
    assert.deepEqual(
      messages.slice(0, 3),
      [10, 20, 40].map((s) => `back-off ${s}s restarting failed container=main pod=crasher_default(${uidOf(pod)})`),
    );
    assert.ok(states.some(({ state }) => state?.waiting?.reason === "CrashLoopBackOff"));
    assert.equal(agent.status(pod)?.containerStatuses[0]?.lastState?.terminated?.exitCode, 3);
    assert.equal(agent.status(pod)?.phase, "Running");
    const found = agent.pods.find("default", "crasher", "main");
    assert.equal(readFileSync(found.logPath(1) ?? "", "utf8"), "run\n");
    const kept = readdirSync(join(found.stateDir, "..")).filter((name) => /^[0-9]+$/.test(name));
    assert.ok(kept.length <= 2, `the last two runs stay, not ${kept}`);
  });

  for (const [policy, script, phase, code] of [
    ["Never", "exit 3", "Failed", 3],
    ["Never", "exit 0", "Succeeded", 0],
    ["OnFailure", "exit 0", "Succeeded", 0],
  ] as const) {
    it(`end as ${phase} after ${script} under ${policy}, and give their network back`, async () => {
      await using lab = await openPodLab();
      await using agent = lab.startAgent();
      const pod = makePod("job", ["sh", "-c", script], { spec: { restartPolicy: policy } });
      agent.set(pod);
      await until(() => agent.status(pod)?.phase === phase, phase);
      assert.equal(agent.status(pod)?.containerStatuses[0]?.state?.terminated?.exitCode, code);
      await until(() => agent.records.load()[0]?.address === undefined, "the network to be given back");
      assert.deepEqual((await lab.network.read(signal)).netns, []);
      assert.ok(existsSync(agent.pods.find("default", "job", "").logPath(0) ?? ""));
      agent.abandon();
      await using next = lab.startAgent();
      next.set(pod);
      await until(() => next.status(pod)?.phase === phase, `${phase} again`);
      assert.ok(next.history.every(({ status }) => status?.phase !== "Running"));
      assert.deepEqual((await lab.network.read(signal)).netns, []);
      next.set(deleted(pod, 30));
      await next.gone(pod);
      await lab.assertOnly();
    });
  }

  it("never get a network again after a start that failed for good", async () => {
    await using lab = await openPodLab();
    const pod = makePod("stillborn", ["no-such-program"], { spec: { restartPolicy: "Never" } });
    const applied: NetworkStep[] = [];
    const network: Network = {
      read: (signal) => lab.network.read(signal),
      apply(steps, signal) {
        applied.push(...steps);
        return lab.network.apply(steps, signal);
      },
    };
    for (let round = 0; round < 2; round++) {
      const agent = lab.startAgent({ network });
      agent.set(pod);
      await until(() => agent.status(pod)?.phase === "Failed", "Failed");
      const { terminated } = agent.status(pod)?.containerStatuses[0]?.state ?? {};
      assert.deepEqual([terminated?.exitCode, terminated?.reason], [128, "StartError"]);
      assert.match(terminated?.message ?? "", /there is no program "no-such-program"/);
      await until(() => agent.records.load()[0]?.address === undefined, "the network to be given back");
      agent.abandon();
    }
    assert.equal(applied.filter(({ op }) => op === "add-pod").length, 1);
  });

  it("wait for ever where their image can't be had, and go when asked", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("puller", [], { containers: [{ name: "main", image: "nginx" }] });
    agent.set(pod);
    await until(() => agent.status(pod)?.containerStatuses[0]?.state?.waiting?.reason === "ErrImagePull", "ErrImagePull");
    agent.set(deleted(pod, 30));
    await agent.gone(pod);
    await lab.assertOnly();
  });
}

function describeDeletion(): void {
  const stubborn = ["sh", "-c", 'trap "echo asked" TERM; echo up; while :; do sleep 0.02; done'];

  it("are asked with TERM and then go at once", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("polite", ["sh", "-c", 'trap "exit 6" TERM; echo up; while :; do sleep 0.02; done']);
    agent.set(pod);
    await agent.running(pod);
    const logPath = agent.pods.find("default", "polite", "").logPath(0) ?? "";
    await until(() => readFileSync(logPath, "utf8") === "up\n", "the trap to be set");
    agent.set(deleted(pod, 30));
    await agent.gone(pod);
    const last = agent.history.findLast(({ uid, gone }) => uid === uidOf(pod) && !gone);
    assert.equal(last?.status?.containerStatuses[0]?.state?.terminated?.exitCode, 6);
    await lab.assertOnly();
  });

  it("are killed when their grace is over, and not before", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("stubborn", stubborn);
    agent.set(pod);
    await agent.running(pod);
    const logPath = agent.pods.find("default", "stubborn", "").logPath(0) ?? "";
    await until(() => readFileSync(logPath, "utf8") === "up\n", "the trap to be set");
    const init = agent.initOf(pod);
    const beforeMs = performance.now();
    agent.set(deleted(pod, 1));
    await until(() => readFileSync(logPath, "utf8").includes("asked"), "TERM");
    assert.ok(existsSync(`/proc/${init}`));
    await agent.gone(pod);
    assert.ok(performance.now() - beforeMs >= 1_000);
    const last = agent.history.findLast(({ uid, gone }) => uid === uidOf(pod) && !gone);
    assert.equal(last?.status?.containerStatuses[0]?.state?.terminated?.exitCode, 137);
    await lab.assertOnly();
  });

  it("are killed at once by force, also while they are asked", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("forced", stubborn);
    agent.set(pod);
    await agent.running(pod);
    agent.set(deleted(pod, 600));
    agent.set(deleted(pod, 0));
    await agent.gone(pod);
    await lab.assertOnly();
  });

  it("are killed at once where the control plane knows them no more", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = makePod("forgotten", stubborn);
    agent.set(pod);
    await agent.running(pod);
    agent.set();
    await until(() => agent.pods.heldUids.length === 0, "the pod to go");
    await lab.assertOnly();
  });

  it("go at whatever moment of their start", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pods = Array.from({ length: 8 }, (_, i) => makePod(`short-${i}`, idle));
    for (const [i, pod] of pods.entries()) {
      agent.set(pod);
      await sleep(i * 12);
      agent.set(deleted(pod, 30));
      await agent.gone(pod);
    }
    await lab.assertOnly();
  });

  it("are reported gone where they were never here", async () => {
    await using lab = await openPodLab();
    await using agent = lab.startAgent();
    const pod = deleted(makePod("stranger", idle), 30);
    agent.set(pod);
    await agent.gone(pod);
    await lab.assertOnly();
  });
}

function describeRestarts(): void {
  it("run on, and are taken over as they are", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pods = [makePod("one", ["sh", "-c", "echo ran; exec sleep infinity"]), makePod("two", idle)];
    first.set(...pods);
    await first.running(...pods);
    const inits = pods.map((pod) => first.initOf(pod));
    const addresses = pods.map((pod) => first.status(pod)?.podIP);
    first.abandon();
    const state = await lab.network.read(signal);

    await using second = lab.startAgent();
    second.set(...pods);
    await second.running(...pods);
    assert.deepEqual(
      pods.map((pod) => second.initOf(pod)),
      inits,
    );
    assert.deepEqual(
      pods.map((pod) => second.status(pod)?.podIP),
      addresses,
    );
    assert.deepEqual(
      pods.map((pod) => second.status(pod)?.containerStatuses[0]?.restartCount),
      [0, 0],
    );
    assert.deepEqual(await lab.network.read(signal), state);
    assert.equal(readFileSync(second.pods.find("default", "one", "").logPath(0) ?? "", "utf8"), "ran\n");
    await lab.assertOnly(...pods);
  });

  it("keep their network when an agent dies, or fails, while it takes them over", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pod = makePod("kept", idle);
    first.set(pod);
    await first.running(pod);
    first.abandon();
    const namespace = () => statSync(netnsPath(lab.link(pod).netns)).ino;
    const before = namespace();

    let tries = 0;
    const failing: Network = {
      read: (signal) => lab.network.read(signal),
      async apply() {
        tries += 1;
        throw new AppError("internal", "nft: told to fail");
      },
    };
    await lab.network.apply(
      [{ op: "remove-rule", rule: { priority: 100, from: parseCidr("10.244.1.0/24"), table: 100 } }],
      signal,
    );
    const second = lab.startAgent({ network: failing, clock: fastClock(100) });
    second.set(pod);
    await until(() => tries >= 3, "three tries");
    second.abandon();

    await using third = lab.startAgent();
    third.set(pod);
    await third.running(pod);
    assert.equal(namespace(), before);
    await lab.assertOnly(pod);
  });

  it("tell the new agent of an exit that it missed, once", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const job = makePod("job", ["sh", "-c", "echo ran; sleep 0.3; exit 5"], { spec: { restartPolicy: "Never" } });
    const server = makePod("server", ["sh", "-c", "echo ran; sleep 0.3; exit 5"]);
    first.set(job, server);
    await first.running(job, server);
    const paths = ["job", "server"].map((name) => first.pods.find("default", name, "").stateDir);
    first.abandon();
    await until(() => paths.every((path) => readFileSync(join(path, "exit"), "utf8") === "started\n5\n"), "both exits");

    await using second = lab.startAgent();
    second.set(job, server);
    await until(() => second.status(job)?.phase === "Failed", "the job's end");
    await until(() => second.status(server)?.containerStatuses[0]?.restartCount === 1, "the server's restart");
    assert.equal(second.status(job)?.containerStatuses[0]?.state?.terminated?.exitCode, 5);
    assert.equal(second.status(server)?.containerStatuses[0]?.lastState?.terminated?.exitCode, 5);
    assert.equal(readFileSync(`${paths[0]}.log`, "utf8"), "ran\n");
  });

  it("go if nobody wants them any more", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pods = [makePod("kept", idle), makePod("left", idle), makePod("host", idle, { spec: { hostNetwork: true } })];
    const [kept] = pods as [Pod, ...Pod[]];
    first.set(...pods);
    await first.running(...pods);
    first.abandon();
    await using second = lab.startAgent();
    second.set(kept);
    await until(() => readdirSync(join(lab.spec.stateDir, "pods")).length === 1, "the leftovers to go");
    await second.running(kept);
    await lab.assertOnly(kept);
  });

  it("end where they were asked to while no agent was there", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pod = makePod("late", idle);
    first.set(pod);
    await first.running(pod);
    first.abandon();
    await using second = lab.startAgent();
    second.set(deleted(pod, 30));
    await second.gone(pod);
    await lab.assertOnly();
  });

  it("end where they were asked to while an agent could not take them over", async () => {
    await using lab = await openPodLab();
    const first = lab.startAgent();
    const pod = makePod("late", idle);
    first.set(pod);
    await first.running(pod);
    first.abandon();
    let broken = true;
    const network: Network = {
      async read(signal) {
        if (broken) throw new AppError("internal", "ip: told to fail");
        return lab.network.read(signal);
      },
      apply: (steps, signal) => lab.network.apply(steps, signal),
    };
    await using second = lab.startAgent({ network, clock: fastClock(10) });
    second.set(pod);
    await until(() => second.status(pod)?.message === "ip: told to fail", "the reason in the status");
    second.set(deleted(pod, 30));
    broken = false;
    await second.gone(pod);
    await lab.assertOnly();
  });

  it("are just what is wanted after agents that were killed at any moment", async function () {
    this.timeout(120_000);
    const seed = Number(process.env.PODWIRE_TEST_SEED ?? randomInt(1_000_000));
    const rng = createRng(seed);
    await using lab = await openPodLab();
    let count = 0;
    // A pod that goes never comes back: its place gets another.
    const someOf = (pods: readonly Pod[]): Pod[] =>
      Array.from({ length: 4 }, (_, i) => {
        if (pods[i] !== undefined && rng.next() < 0.6) return pods[i];
        count += 1;
        return rng.next() < 0.7 ? makePod(`pod-${count}`, ["sh", "-c", "echo ran; exec sleep infinity"]) : undefined;
      }).filter((pod) => pod !== undefined);
    let pods: Pod[] = [];
    for (let round = 0; round < 15; round++) {
      pods = someOf(pods);
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, "pod-agent.ts"), JSON.stringify({ spec: lab.spec, pods: pods.map((pod) => Pod.toJSON(pod)) })],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      await once(child.stdout, "data");
      await sleep(rng.next() * 250);
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      if (round % 3 !== 2) continue;

      const next = lab.startAgent();
      pods = someOf(pods);
      const wanted = pods;
      next.set(...wanted);
      const where = `round ${round} of seed ${seed}`;
      try {
        await next.running(...wanted);
        await until(() => next.records.load().length === wanted.length, "the others to go");
        await until(() => processesNamed(join(lab.spec.stateDir, "pods")).length === 2 * wanted.length, "one container for each");
        await lab.assertOnly(...wanted);
        for (const pod of wanted) {
          const { logPath, stateDir } = next.pods.find("default", pod.metadata?.name ?? "", "");
          assert.equal(readFileSync(logPath(0) ?? "", "utf8"), "ran\n");
          assert.equal(stateDir.endsWith("/0"), true);
          assert.equal(readlinkSync(`/proc/${next.initOf(pod)}/ns/net`), `net:[${statSync(netnsPath(lab.link(pod).netns)).ino}]`);
          await lab.inPod(pod, "ping", "-c1", "-W2", "192.168.0.1");
        }
      } catch (error) {
        throw new Error(where, { cause: error });
      } finally {
        next.abandon();
      }
    }
  });
}

function describeHalfMade(): void {
  const address = parseIpv4("10.244.1.9");
  const cases: readonly (readonly [
    sentence: string,
    make: (netns: string, device: string) => readonly string[],
    ready: boolean,
  ])[] = [
    ["after its record", () => [], false],
    ["with a namespace and no device", (netns) => [`netns add ${netns}`], false],
    ["with a device and no namespace", (_, device) => [`link add ${device} type veth peer name peer0`], false],
    [
      "with both, and nothing inside",
      (netns, device) => [`netns add ${netns}`, `link add ${device} type veth peer name eth0 netns ${netns}`],
      false,
    ],
    ["and its network vanished since", () => [], true],
    ["and only its namespace is left", (netns) => [`netns add ${netns}`], true],
    [
      "and only its device is left",
      (_, device) => [`link add ${device} type veth peer name peer0`, `link set ${device} up`],
      true,
    ],
  ];
  for (const [sentence, make, networkReady] of cases) {
    it(`come up whole: ${sentence}`, async () => {
      await using lab = await openPodLab();
      const pod = makePod("half", idle);
      const seeding = lab.startAgent();
      seeding.records.save({ uid: uidOf(pod), namespace: "default", name: "half", address, networkReady });
      seeding.abandon();
      const { netns, device } = lab.link(pod);
      const lines = make(netns, device);
      if (lines.length > 0) await lab.host.ip(...lines);

      await using agent = lab.startAgent();
      agent.set(pod);
      await agent.running(pod);
      assert.equal(agent.status(pod)?.podIP, "10.244.1.9");
      await lab.inPod(pod, "ping", "-c1", "-W2", "192.168.0.1");
      await lab.assertOnly(pod);
    });
  }
}
