/* Clusters come and go through the real CLI: what `up` makes, what it refuses, and that nothing stays behind, however a cluster ends. */

import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleepFor } from "node:timers/promises";
import { createRng } from "#core/rng.ts";
import { down } from "../../embedded/down.ts";
import type { CliResult } from "../support/cli.ts";
import { clusterHome, openCluster, sandboxOf, startCluster } from "../support/cluster.ts";
import { cleanEnv, type PodwireRun, runPodwire, startPodwire } from "../support/podwire.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const name = "t-life";

describe("up and down", () => {
  let home: string;
  let env: Record<string, string>;
  const podwire = (...args: readonly string[]): Promise<CliResult> => runPodwire(args, { env });
  const dir = () => join(home, "podwire", name);
  /** Waits until nothing runs any more. */
  const nothingRuns = () => until(() => clusterTraces().length === 0, `an end of ${clusterTraces().join("\n")}`, 5_000);
  const foldersLeft = () => (existsSync(join(home, "podwire")) ? readdirSync(join(home, "podwire")) : []);

  beforeEach(() => {
    home = clusterHome();
    env = cleanEnv({ XDG_RUNTIME_DIR: home });
  });

  afterEach(async () => {
    await podwire("down", "--all");
    await nothingRuns();
    rmSync(home, { recursive: true, force: true });
  });

  it("brings three nodes up that are Ready at once, and leaves nothing behind", async () => {
    {
      await using cluster = await startCluster({ nodes: 3 });
      const nodes = await cluster.run("get", "nodes", "--no-headers");
      assert.deepEqual(
        nodes
          .trim()
          .split("\n")
          .map((line) => line.split(/ +/).slice(0, 2)),
        ["node-1", "node-2", "node-3"].map((node) => [node, "Ready"]),
      );
    }
    await nothingRuns();
  });

  it("refuses a second cluster of the same name, says what to do, and leaves the first alone", async () => {
    await using cluster = await startCluster({ nodes: 1 });
    const { init, controlPlane } = cluster.pids;
    const second = await runPodwire(["up", "--detach", "--name", cluster.name], { env: cluster.env });
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      new RegExp(`^error: a cluster named "${cluster.name}" is up: .*podwire down --name ${cluster.name}`),
    );
    assert.deepEqual([cluster.pids.init, cluster.pids.controlPlane], [init, controlPlane]);
    assert.match(await cluster.run("get", "nodes"), /node-1 +Ready/);
  });

  it("runs two clusters with the same addresses side by side, each with its own traffic", async () => {
    const [one, two] = await Promise.all([startCluster({ nodes: 1 }), startCluster({ nodes: 1 })]);
    await using first = one;
    await using second = two;
    const pods = [server("server"), server("client")];
    const made = await Promise.all([first, second].map((cluster) => cluster.makePods(...pods)));
    const addresses = made.map((each) => each.map(({ status }) => status?.podIP));
    assert.deepEqual(addresses[0], addresses[1]);
    for (const cluster of [first, second]) {
      const answer = await cluster.run("exec", "client", "--", "curl", "-s", `http://${addresses[0]?.[0]}:8080/`);
      assert.equal(answer, `Hello from server at ${addresses[0]?.[0]}. I see you as ${addresses[0]?.[1]}.\n`);
    }
    // They share nothing: a pod that goes from one stays in the other.
    await first.run("delete", "pod", "server", "--force", "--grace-period=0");
    await second.run("exec", "client", "--", "curl", "-sf", `http://${addresses[0]?.[0]}:8080/`);
  });

  it("ends a cluster at Ctrl-C of the foreground", async () => {
    await using run = startPodwire(["up", "--name", name, "--nodes", "1"], { env });
    await run.says("Ctrl-C ends the cluster");
    run.process.kill("SIGINT");
    const { code, stderr } = await run.result;
    assert.equal(code, 0);
    assert.match(stderr, new RegExp(`cluster "${name}" is down`));
    assert.deepEqual(foldersLeft(), []);
    await nothingRuns();
  });

  it("fails in the foreground, with the reason, when its sandbox dies", async () => {
    await using run = startPodwire(["up", "--name", name, "--nodes", "1"], { env });
    await run.says("Ctrl-C ends the cluster");
    process.kill(sandbox().pids.init, "SIGKILL");
    const { code, stderr } = await run.result;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^error: the cluster "${name}" died: `, "m"));
    assert.deepEqual(foldersLeft(), []);
    await nothingRuns();
  });

  it("ends well in the foreground when another command takes it down", async () => {
    await using run = startPodwire(["up", "--name", name, "--nodes", "1"], { env });
    await run.says("Ctrl-C ends the cluster");
    assert.equal((await podwire("down", "--name", name)).code, 0);
    const { code, stderr } = await run.result;
    assert.deepEqual([code, stderr.includes("died")], [0, false]);
    await nothingRuns();
  });

  for (const { victim, pidOf, foreground } of [
    { victim: "the sandbox's first process", pidOf: () => sandbox().pids.init, foreground: false },
    {
      victim: "the first process of the control plane's host",
      pidOf: () => sandbox().pids.host("control-plane"),
      foreground: false,
    },
    { victim: "the supervisor", pidOf: () => sandbox().pids.supervisor, foreground: false },
    { victim: "the process that holds the sandbox from outside", pidOf: () => outerOf(sandbox().pids.init), foreground: false },
    { victim: "the CLI in the foreground", pidOf: (run: PodwireRun) => run.process.pid ?? 0, foreground: true },
  ]) {
    it(`leaves nothing running when ${victim} is killed with KILL, and the next up works`, async () => {
      await using run = startPodwire(["up", "--name", name, "--nodes", "1", ...(foreground ? [] : ["--detach"])], { env });
      await run.says("is up");
      process.kill(pidOf(run), "SIGKILL");
      await nothingRuns();
      const again = await podwire("up", "--detach", "--name", name, "--nodes", "1");
      assert.equal(again.code, 0, again.stderr);
      assert.match((await podwire("get", "nodes", "--cluster", name)).stdout, /node-1 +Ready/);
    });
  }

  const sandbox = () => openCluster({ name, env, folder: home });

  it("sweeps the folder of a cluster that died, at the next command", async () => {
    await podwire("up", "--detach", "--name", name, "--nodes", "1");
    process.kill(sandbox().pids.init, "SIGKILL");
    await nothingRuns();
    const { code, stderr } = await podwire("get", "nodes");
    assert.equal(code, 1);
    assert.match(stderr, /podwire up/);
    assert.equal((await podwire("down", "--name", name)).stdout, `no cluster "${name}" was up\n`);
    assert.deepEqual(foldersLeft(), []);
  });

  for (const { flags, says } of [
    { flags: ["--nodes", "0"], says: /--nodes 0: want a whole number from 1 to 250/ },
    { flags: ["--nodes", "abc"], says: /"abc" for "--nodes" flag: want a whole number/ },
    { flags: ["--nodes", "1000"], says: /--nodes 1000: want a whole number from 1 to 250/ },
    { flags: ["--nodes", "-1"], says: /--nodes/ },
    { flags: ["--nodes", "2.5"], says: /--nodes/ },
    { flags: ["--zones", "a=2", "--nodes", "2"], says: /--nodes and --zones both say how many nodes: give one of them/ },
    { flags: ["--zones", "a"], says: /"a" for "--zones" flag: want ZONE=COUNT,… with counts from 1, such as a=2,b=1/ },
    { flags: ["--zones", "a=0"], says: /"a=0" for "--zones" flag/ },
    { flags: ["--zones", "a=1,a=2"], says: /zone "a" is named twice/ },
    { flags: ["--zones", "a b=1"], says: /zone "a b": / },
    { flags: ["--node-group", "default"], says: /"default" for "--node-group" flag: want NAME=MIN..MAX, such as default=2..6/ },
    { flags: ["--node-group", "default=3..2"], says: /"default=3..2" for "--node-group" flag: want a most that is at least 1/ },
    { flags: ["--node-group", "Big=1..3"], says: /name "Big": / },
    { flags: ["--node-group", "default=4..6"], says: /--nodes 3: the node group default has 4 to 6 of them/ },
    { flags: ["--node-capacity", "cpu=some"], says: /--node-capacity "cpu=some": quantities must match/ },
    { flags: ["--zones", "a=200,b=200"], says: /400: want a whole number from 1 to 250/ },
    { flags: ["--pod-cidr", "10.0.0.0/8", "--service-cidr", "10.96.0.0/16"], says: /--pod-cidr.*--service-cidr/ },
    { flags: ["--pod-cidr", "172.18.0.0/16"], says: /--pod-cidr.*hosts' own network/ },
    { flags: ["--pod-cidr", "10.244.0.1/16"], says: /10\.244\.0\.1\/16.*10\.244\.0\.0\/16/ },
    { flags: ["--service-cidr", "10.96.0.0/33"], says: /10\.96\.0\.0\/33/ },
    { flags: ["--pod-cidr", "nonsense"], says: /nonsense/ },
    { flags: ["--pod-cidr", "10.244.0.0/24", "--nodes", "3"], says: /room for 1 nodes?.*not for 3/ },
    { flags: ["--log-level", "loud"], says: /"loud" for "--log-level" flag: Allowed choices are trace, debug/ },
    { flags: ["-f", "/nonexistent.yaml"], says: /\/nonexistent\.yaml/ },
    { flags: ["--nodse", "3"], says: /unknown flag: --nodse\n\nDid you mean this\?\n\t--nodes/ },
    { flags: ["three"], says: /up takes no arguments/ },
    { flags: ["--name", "Not_A_Name"], says: /Not_A_Name/ },
  ]) {
    it(`makes nothing of up ${flags.join(" ")}, and says why`, async () => {
      const { code, stderr } = await podwire("up", "--detach", ...(flags.includes("--name") ? [] : ["--name", name]), ...flags);
      assert.equal(code, 1);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /bug in podwire/);
      assert.deepEqual(foldersLeft(), []);
      assert.deepEqual(clusterTraces(), []);
    });
  }

  it("names the programs that the machine lacks, and their packages, before it makes anything", async () => {
    const bare = join(home, "bin");
    mkdirSync(bare);
    for (const program of ["sh", "dirname", "readlink"]) symlinkSync(`/usr/bin/${program}`, join(bare, program));
    const { code, stderr } = await runPodwire(["up", "--detach", "--name", name], { env: { ...env, PATH: bare } });
    assert.equal(code, 1);
    assert.match(stderr, /system programs: missing: .*tini \(package tini\).*\n {4}apt-get install -y .*tini/);
    assert.deepEqual(foldersLeft(), []);
  });

  it("says so where somebody takes the cluster down while it comes up", async () => {
    await using run = startPodwire(["up", "--detach", "--name", name, "--nodes", "2"], { env });
    await until(() => sandboxOf(dir()), "a sandbox");
    assert.equal(await down(name, env), true);
    const { code, stderr } = await run.result;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`\nerror: the cluster "${name}" was taken down while it came up\n$`));
    assert.deepEqual(foldersLeft(), []);
  });

  it("tells what the daemons complained of where the cluster dies before it is up", async () => {
    await using run = startPodwire(["up", "--detach", "--name", name, "--nodes", "1"], { env });
    const log = join(dir(), "logs", "supervisor.log");
    await until(() => existsSync(log) && sandboxOf(dir()), "a log");
    appendFileSync(log, '{"level":50,"msg":"hosts could not be made","err":{"message":"no more devices"}}\n');
    process.kill(sandboxOf(dir())?.pid ?? 0, "SIGKILL");
    const { code, stderr } = await run.result;
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `Starting cluster "${name}": a control plane and 1 node\nerror: the sandbox ended. Its logs ended with:\n  supervisor: hosts could not be made (no more devices)\n`,
    );
    assert.deepEqual(foldersLeft(), []);
  });

  it("takes a cluster down again whose manifest the server refused", async () => {
    const path = join(home, "wrong.yaml");
    mkdirSync(home, { recursive: true });
    writeFileSync(path, "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: []\n");
    const { code, stderr } = await podwire("up", "--detach", "--name", name, "--nodes", "1", "-f", path);
    assert.equal(code, 1);
    assert.match(stderr, /wrong\.yaml.*\n?.*spec\.containers/);
    assert.deepEqual(foldersLeft(), []);
    await nothingRuns();
  });

  const rng = createRng(20_260_731);
  for (let i = 0; i < 8; i++) {
    const signal = i % 2 === 0 ? ("SIGINT" as const) : ("SIGKILL" as const);
    const detach = i % 4 < 2 ? ["--detach"] : [];
    const afterMs = Math.floor(150 + rng.next() * 1_200);
    it(`leaves nothing running after ${["up", ...detach].join(" ")} got ${signal} after ${afterMs} ms, once the next up and down are through`, async () => {
      await using run = startPodwire(["up", "--name", name, "--nodes", "2", ...detach], { env });
      // What is tested is the moment itself.
      await sleepFor(afterMs);
      run.process.kill(signal);
      const { code } = await run.result;
      if (signal === "SIGINT" && code !== 0) assert.equal(sandboxOf(dir()), undefined, "an interrupted up left its sandbox");
      const next = await podwire("up", "--detach", "--name", name, "--nodes", "1");
      if (next.code !== 0) {
        assert.match(next.stderr, new RegExp(`podwire down --name ${name}`));
        assert.equal((await podwire("down", "--name", name)).code, 0);
        assert.equal((await podwire("up", "--detach", "--name", name, "--nodes", "1")).code, 0);
      }
      assert.equal((await podwire("down", "--name", name)).stdout, `cluster "${name}" is down\n`);
      assert.deepEqual(foldersLeft(), []);
      await nothingRuns();
    });
  }
});

function outerOf(pid: number): number {
  const outer = clusterTraces()
    .map((trace) => /^process ([0-9]+): unshare .*init\.sh/.exec(trace)?.[1])
    .find((found) => found !== undefined);
  assert.ok(outer, `nobody holds ${pid}`);
  return Number(outer);
}

function server(podName: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName },
    spec: { containers: [{ name: "main", image: "podwire/toolbox", args: ["http-server"] }] },
  };
}
