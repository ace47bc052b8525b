/* Clusters side by side, of one user and of another: they share addresses and nothing else. */

import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, clusterHome, openCluster, sandboxOf } from "../support/cluster.ts";
import { createOrdinaryUser, type OrdinaryUser } from "../support/ordinary-user.ts";
import { serverPod } from "../support/pod-manifests.ts";
import { cleanEnv, runPodwire, startPodwire } from "../support/podwire.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const uid = 34_567;

describe("clusters side by side", function () {
  this.timeout(60_000);
  let user: OrdinaryUser;
  let home: string;
  let env: Record<string, string>;
  const usersFolder = `/tmp/podwire-${uid}`;
  const clusters: Cluster[] = [];

  const asRoot = (...args: readonly string[]) => runPodwire(args, { env });
  const asUser = (...args: readonly string[]) => runPodwire(args, { env: cleanEnv({ HOME: user.home }), user });

  before(async () => {
    user = createOrdinaryUser(uid);
    home = clusterHome();
    env = cleanEnv({ XDG_RUNTIME_DIR: home });
    const up = (name: string) => ["up", "--detach", "--name", name, "--nodes", "1"] as const;
    const results = await Promise.all([asRoot(...up("blue")), asUser(...up("blue")), asUser(...up("green"))]);
    for (const { code, stderr } of results) assert.equal(code, 0, stderr);
    const ofUser = { env: cleanEnv({ XDG_RUNTIME_DIR: usersFolder, HOME: user.home }), folder: usersFolder, user };
    clusters.push(openCluster({ name: "blue", env, folder: home }));
    clusters.push(openCluster({ name: "blue", ...ofUser }), openCluster({ name: "green", ...ofUser }));
  });

  after(async () => {
    await Promise.all([asRoot("down", "--all"), asUser("down", "--all")]);
    await until(() => clusterTraces().length === 0, `an end of ${clusterTraces().join("\n")}`, 5_000);
    rmSync(home, { recursive: true, force: true });
    rmSync(usersFolder, { recursive: true, force: true });
    user[Symbol.dispose]();
  });

  it("have the same addresses, each with its own pods behind them", async () => {
    const pods = await Promise.all(clusters.map((cluster, i) => cluster.makePods(serverPod(`server-${i}`))));
    const addresses = pods.map(([pod]) => pod?.status?.podIP ?? "");
    assert.equal(new Set(addresses).size, 1);
    for (const [i, cluster] of clusters.entries()) {
      const answer = await cluster.run("exec", `server-${i}`, "--", "curl", "-s", `http://${addresses[i]}:8080/`);
      assert.match(answer, new RegExp(`^Hello from server-${i} at ${addresses[i]}\\.`));
    }
  });

  it("are listed to their user, with their state", async () => {
    const { stdout } = await asUser("clusters");
    const lines = stdout.trim().split("\n");
    assert.match(lines[0] ?? "", /^NAME +STATUS +NODES +AGE +OWNER +SERVER$/);
    for (const [i, name] of ["blue", "green"].entries()) {
      assert.match(
        lines[i + 1] ?? "",
        new RegExp(`^${name} +Ready +1/1 +[0-9]+s +${uid} +unix:${usersFolder}/podwire/${name}/api\\.sock$`),
      );
    }
    assert.equal((await asUser("clusters", "-o", "name")).stdout, "blue\ngreen\n");
    assert.equal((await asRoot("clusters", "-o", "name")).stdout, "blue\n");
  });

  it("are listed to root, whoever owns them, and can be asked by their socket", async () => {
    const { stdout } = await asRoot("clusters", "--all-users", "-o", "json");
    const all = (JSON.parse(stdout) as { items: { metadata: { name: string }; status: Record<string, unknown> }[] }).items;
    // Whoever runs the tests may have clusters of their own.
    const items = all.filter(({ status }) => [home, usersFolder].some((folder) => String(status.server).includes(folder)));
    assert.deepEqual(
      items.map(({ metadata, status }) => [metadata.name, status.owner, status.phase, status.nodes]),
      [
        ["blue", "root", "Ready", { ready: 1, total: 1 }],
        ["blue", String(uid), "Ready", { ready: 1, total: 1 }],
        ["green", String(uid), "Ready", { ready: 1, total: 1 }],
      ],
    );
    const server = String(items[2]?.status.server);
    assert.equal((await asRoot("get", "pods", "--server", server, "-o", "name")).stdout, "pod/server-2\n");
    const { code, stderr } = await asUser("get", "pods", "--server", String(items[0]?.status.server));
    assert.deepEqual([code, stderr], [1, `error: you may not open ${items[0]?.status.server}: it belongs to another user\n`]);
  });

  it("have to be named where there are several", async () => {
    const { code, stderr } = await asUser("get", "nodes");
    assert.equal(code, 1);
    assert.match(stderr, /several clusters are running on this machine: blue, green\. Name one with --cluster NAME/);
    assert.match((await asUser("down")).stderr, /several clusters are up: blue, green\. Choose one with --name NAME, or --all/);
  });

  it("tell how far they have come, and whether they answer", async () => {
    const statusOf = async () =>
      (await asRoot("clusters")).stdout
        .match(/^red +(\S+) +(\S+)/m)
        ?.slice(1)
        .join(" ");
    await using up = startPodwire(["up", "--name", "red", "--nodes", "1"], { env });
    const seen = new Set<string | undefined>();
    await until(async () => seen.add(await statusOf()).has("Ready 1/1"), "Ready");
    await up.says("Ctrl-C ends the cluster");
    assert.deepEqual(
      [...seen].filter(
        (status) => !["Starting ?", "NotReady 0/0", "NotReady 0/1", "Unreachable ?", "Ready 1/1", undefined].includes(status),
      ),
      [],
    );
    const { pids } = openCluster({ name: "red", env, folder: home });
    process.kill(pids.controlPlane, "SIGSTOP");
    assert.equal(await statusOf(), "Unreachable ?");
    up.process.kill("SIGINT");
    assert.equal((await up.result).code, 0);
  });

  it("end each by itself", async () => {
    assert.equal((await asUser("down", "--name", "blue")).stdout, 'cluster "blue" is down\n');
    assert.equal(existsSync(join(usersFolder, "podwire", "blue")), false);
    for (const cluster of [clusters[0], clusters[2]]) assert.match((await cluster?.run("get", "nodes")) ?? "", /node-1 +Ready/);
    const rest = sandboxOf(join(home, "podwire", "blue"));
    process.kill(clusters[2]?.pids.init ?? 0, "SIGKILL");
    await until(() => sandboxOf(join(usersFolder, "podwire", "green")) === undefined, "its end");
    assert.match((await asUser("clusters")).stderr, /^No clusters found\.\n$/);
    assert.deepEqual(sandboxOf(join(home, "podwire", "blue")), rest);
    assert.match((await clusters[0]?.run("get", "pods")) ?? "", /server-0 +1\/1 +Running/);
  });
});
