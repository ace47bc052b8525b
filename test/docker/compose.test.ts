/* The cluster of docker-compose.yml as its users have it. The tests share one, and each leaves it whole. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { type ComposeCluster, startComposeCluster } from "./compose-cluster.ts";
import { docker } from "./docker.ts";
import { image } from "./image.ts";

const three = ["node-1", "node-2", "node-3"] as const;
const shop = ["web-1", "web-2", "web-3", "client"] as const;
/** Containers start slowly where many share few cores. */
const soon = <T>(holds: () => T | Promise<T>, what: string) => until(holds, what, 60_000, 100);
const imageBytesMax = 120 * 1000 * 1000;

describe("docker compose", () => {
  let cluster: ComposeCluster;
  before(async function () {
    this.timeout(300_000);
    cluster = await startComposeCluster();
    await cluster.readyNodes(...three);
    await cluster.run("apply", "-f", "examples/shop.yaml");
    await cluster.readyPods(...shop);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  /** Who answers so many questions; nobody while the client's own node is away. */
  const answering = async (count: number) => {
    const script = `for i in $(seq ${count}); do curl -s --max-time 2 http://web/hostname || echo none; echo; done`;
    const { code, stdout } = await cluster.podwire("exec", "client", "--", "sh", "-c", script);
    return new Set(code === 0 ? stdout.trim().split("\n") : []);
  };
  const endpoints = async () =>
    (await cluster.slices("web"))
      .flatMap((slice) => slice.endpoints)
      .filter(({ conditions }) => conditions?.ready === true)
      .map(({ targetRef }) => targetRef?.name ?? "")
      .toSorted();
  const allAnswer = () => soon(async () => (await endpoints()).join() === "web-1,web-2,web-3", "all endpoints to be back");
  /** What must outlive whatever happens to containers. */
  const identities = async () => ({
    cidrs: Object.fromEntries((await cluster.nodes()).map(({ metadata, spec }) => [metadata?.name, spec?.podCIDR])),
    uids: Object.fromEntries((await cluster.nodes()).map(({ metadata }) => [metadata?.name, metadata?.uid])),
    clusterIP: (await cluster.service("web")).spec?.clusterIP,
    pods: (await cluster.pods()).map(({ metadata }) => metadata?.uid).toSorted(),
  });
  const restarts = async () => (await cluster.pods()).map(({ status }) => status?.containerStatuses[0]?.restartCount);

  it("brings up nodes in zones of their own", async () => {
    const zones = (await cluster.nodes()).map(({ metadata }) => [
      metadata?.name,
      metadata?.labels["topology.kubernetes.io/zone"],
    ]);
    assert.deepEqual(zones, [
      ["node-1", "zone-a"],
      ["node-2", "zone-b"],
      ["node-3", "zone-c"],
    ]);
  });

  it("has a network model that holds, asked from outside", async () => {
    // A machine whose cores are all busy elsewhere loses sessions, and with them the probes: that is no answer.
    let answer = await cluster.podwire("verify");
    while (answer.stderr.includes("ServiceUnavailable")) answer = await cluster.podwire("verify");
    assert.equal(answer.code, 0, answer.stderr);
    assert.match(answer.stdout, /The network model holds/);
  });

  it("answers the gRPC client over the published port, with the token and on loopback only", async () => {
    const signal = AbortSignal.timeout(10_000);
    assert.equal((await cluster.client.info({}, { signal })).cluster, "podwire");
    const { code, stderr } = await cluster.podwire("get", "nodes", "--token-file", "/etc/hostname");
    assert.equal(code, 1);
    assert.match(stderr, /that is not the user token of this cluster/);
    assert.match(await cluster.compose("port", "control-plane", "7443"), /^127\.0\.0\.1:/);
  });

  it("has the CLI in the control plane's container", async () => {
    const pods = await cluster.compose("exec", "-T", "control-plane", "podwire", "get", "pods", "-A");
    for (const name of shop) assert.ok(pods.includes(name), pods);
  });

  it("leads pods to the control plane by the Service kubernetes", async () => {
    const [slice] = await cluster.slices("kubernetes");
    const address = JSON.parse(
      await docker(["inspect", "--format", "{{json .NetworkSettings.Networks}}", cluster.container("control-plane-1")]),
    )[cluster.network].IPAddress;
    assert.deepEqual(slice?.endpoints[0]?.addresses, [address]);
    const curl = ["curl", "-s", "--max-time", "3", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_version}"];
    assert.equal(await cluster.exec("client", ...curl, "http://kubernetes:443/"), "2");
  });

  it("lets nothing of the cluster out of the hosts' network", async () => {
    const { code, stderr } = await cluster.podwire("exec", "client", "--", "curl", "-sS", "--max-time", "3", "http://192.0.2.1/");
    assert.notEqual(code, 0);
    assert.match(stderr, /curl/);
    assert.equal(await docker(["network", "inspect", "--format", "{{.Internal}}", cluster.network]), "true");
    const networks = await docker([
      "inspect",
      "--format",
      "{{len .NetworkSettings.Networks}}",
      cluster.container("node-agent-1"),
    ]);
    assert.equal(networks, "1", "nodes are in no other");
  });

  it("gives the control plane no right at all, and agents those that the compose file names", async () => {
    const config = async (name: string) =>
      JSON.parse(await docker(["inspect", "--format", "{{json .HostConfig}}", cluster.container(name)]));
    const plane = await config("control-plane-1");
    assert.deepEqual([plane.Privileged, plane.CapDrop, plane.CapAdd], [false, ["ALL"], null]);
    const status = await docker([
      "exec",
      cluster.container("control-plane-1"),
      "sh",
      "-c",
      "cat /proc/$(cat /run/podwire/daemon)/status",
    ]);
    assert.match(status, /^CapEff:\s0{16}$/m);
    assert.match(status, /^Uid:\s7443\b/m);
    const agent = await config("node-agent-1");
    assert.deepEqual([agent.Privileged, agent.CapDrop], [false, ["ALL"]]);
  });

  it("hands tokens over in files only their readers may read, and nowhere else", async () => {
    const tokens: string[] = [];
    for (const path of ["/var/lib/podwire/store/user-token", "/var/lib/podwire/join/token"]) {
      const container = cluster.container("control-plane-1");
      assert.equal(await docker(["exec", container, "stat", "-c", "%a %U", path]), "600 podwire");
      tokens.push(await docker(["exec", container, "cat", path]));
    }
    assert.equal(await docker(["exec", cluster.container("node-agent-1"), "ls", "/var/lib/podwire/join"]), "token");
    const told = [await cluster.compose("logs", "--no-color")];
    for (const name of ["control-plane-1", "node-agent-1"]) {
      told.push(await docker(["inspect", cluster.container(name)]));
      told.push(
        await docker([
          "exec",
          cluster.container(name),
          "sh",
          "-c",
          "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
        ]),
      );
    }
    for (const token of tokens) {
      assert.ok(token.length >= 22);
      assert.ok(!told.some((text) => text.includes(token)), "a token is told");
    }
    assert.equal((await cluster.podwire("exec", "client", "--", "ls", "/var/lib/podwire/join")).code, 2, "pods see no token");
  });

  it("takes more nodes, which join by themselves, and drops them", async () => {
    await cluster.compose("up", "-d", "--no-recreate", "--scale", "node-agent=5", "node-agent");
    await cluster.readyNodes(...three, "node-4", "node-5");
    const cidrs = new Set((await cluster.nodes()).map(({ spec }) => spec?.podCIDR));
    assert.equal(cidrs.size, 5);
    await cluster.compose("up", "-d", "--no-recreate", "--scale", "node-agent=3", "node-agent");
    await cluster.readyNodes(...three);
    await cluster.run("delete", "node", "node-4", "node-5");
  });

  it("has nodes apart in a profile", async () => {
    await cluster.compose("--profile", "edge", "up", "-d", "--no-recreate", "--scale", "edge-agent=1", "edge-agent");
    await cluster.readyNodes(...three, "edge-1");
    const { metadata } = await cluster.node("edge-1");
    assert.equal(metadata?.labels["podwire.dev/pool"], "edge");
    assert.equal(metadata?.labels["topology.kubernetes.io/zone"], "edge");
    await cluster.compose("--profile", "edge", "rm", "--stop", "--force", "edge-agent");
    await cluster.run("delete", "node", "edge-1");
  });

  it("keeps pods running while their agent is killed and started again", async () => {
    const before = await restarts();
    const container = cluster.container("node-agent-2");
    const pid = await docker(["exec", container, "cat", "/run/podwire/daemon"]);
    await docker(["exec", container, "kill", "-KILL", pid]);
    await soon(async () => (await docker(["exec", container, "cat", "/run/podwire/daemon"])) !== pid, "the next agent");
    await cluster.readyNodes(...three);
    await allAnswer();
    assert.deepEqual(await restarts(), before);
  });

  it("drops a killed node's endpoints and keeps the Service's address; the node comes back as the same", async () => {
    const before = await identities();
    await docker(["kill", "--signal", "KILL", cluster.container("node-agent-3")]);
    await cluster.readyNodes("node-1", "node-2");
    await soon(async () => (await endpoints()).join() === "web-1,web-2", "its endpoint to go");
    assert.deepEqual([...(await answering(20))].toSorted(), ["web-1", "web-2"]);
    assert.equal((await cluster.service("web")).spec?.clusterIP, before.clusterIP);
    await docker(["start", cluster.container("node-agent-3")]);
    await cluster.readyNodes(...three);
    await allAnswer();
    assert.deepEqual(await identities(), before);
  });

  it("sees a paused node as lost, and takes it back with its pods as they were", async () => {
    const before = { restarts: await restarts(), ...(await identities()) };
    await docker(["pause", cluster.container("node-agent-3")]);
    try {
      await cluster.readyNodes("node-1", "node-2");
      await soon(async () => !(await answering(8)).has("web-3"), "web-3 to be left out");
    } finally {
      await docker(["unpause", cluster.container("node-agent-3")]);
    }
    await cluster.readyNodes(...three);
    await allAnswer();
    assert.deepEqual({ restarts: await restarts(), ...(await identities()) }, before);
  });

  it("heals a partition, though the node comes back under another address", async () => {
    const before = { restarts: await restarts(), ...(await identities()) };
    const container = cluster.container("node-agent-3");
    const addressOf = async () =>
      (await cluster.node("node-3")).status?.addresses.find(({ type }) => type === "InternalIP")?.address;
    const old = await addressOf();
    await docker(["network", "disconnect", cluster.network, container]);
    await cluster.readyNodes("node-1", "node-2");
    // What is cut off runs on.
    assert.match(await docker(["exec", container, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]), /netexec/);
    // Docker gives a free address to the next that asks.
    const squatter = `${cluster.project}-squatter`;
    await docker(["run", "--detach", "--name", squatter, "--network", cluster.network, "--entrypoint", "sleep", image, "600"]);
    try {
      await docker(["network", "connect", cluster.network, container]);
      await cluster.readyNodes(...three);
      await allAnswer();
    } finally {
      await docker(["rm", "--force", squatter]);
    }
    assert.notEqual(await addressOf(), old);
    assert.deepEqual({ restarts: await restarts(), ...(await identities()) }, before);
    await soon(async () => (await answering(12)).has("web-3"), "web-3 to answer");
  });

  it("carries on without a control plane, which comes back with all that it knew", async () => {
    const before = await identities();
    await docker(["kill", "--signal", "KILL", cluster.container("control-plane-1")]);
    // Pods are reached without it by way of their node.
    const inNode = [
      "exec",
      cluster.container("node-agent-1"),
      "curl",
      "-s",
      "--max-time",
      "3",
      `http://${before.clusterIP}/hostname`,
    ];
    for (let round = 0; round < 5; round++) assert.match(await docker(inNode), /^web-[123]$/);
    await cluster.compose("start", "control-plane");
    await cluster.readyNodes(...three);
    assert.deepEqual(await identities(), before);
    await allAnswer();
  });

  it("lets pods end in order when their node stops, and runs them again when it is back", async () => {
    const script = 'trap "echo told; exit 0" TERM; echo up; while :; do sleep 0.1; done';
    await cluster.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "polite" },
      spec: { nodeName: "node-3", containers: [{ name: "main", image: "podwire/toolbox", command: ["sh", "-c", script] }] },
    });
    await cluster.readyPods("polite");
    const beforeMs = performance.now();
    await docker(["stop", "--time", "40", cluster.container("node-agent-3")]);
    assert.ok(performance.now() - beforeMs < 20_000, "nothing had to be killed");
    await docker(["start", cluster.container("node-agent-3")]);
    await cluster.readyNodes(...three);
    await soon(async () => (await cluster.pod("polite")).status?.containerStatuses[0]?.restartCount === 1, "its second run");
    assert.equal(await cluster.run("logs", "polite", "--previous"), "up\ntold\n");
    await cluster.run("delete", "pod", "polite");
    await allAnswer();
  });

  it("makes a node's container anew as the same node", async () => {
    const before = await identities();
    const id = () => docker(["inspect", "--format", "{{.Id}}", cluster.container("node-agent-1")]);
    const old = await id();
    await cluster.compose("up", "-d", "--no-deps", "--force-recreate", "node-agent");
    assert.notEqual(await id(), old);
    await cluster.readyNodes(...three);
    await cluster.readyPods(...shop);
    assert.deepEqual(await identities(), before);
    await allAnswer();
    await soon(async () => (await answering(20)).size === 3, "all to answer");
  });

  it("comes back whole from a restart of everything", async () => {
    const before = await identities();
    await cluster.compose("restart", "--timeout", "40");
    await cluster.readyNodes(...three);
    await allAnswer();
    await cluster.readyPods(...shop);
    assert.deepEqual(await identities(), before);
    await soon(async () => (await answering(20)).size === 3, "all to answer");
  });

  it("is at most 120 MB besides its base", async () => {
    const sizeOf = async (name: string) => Number(await docker(["image", "inspect", "--format", "{{.Size}}", name]));
    const base = /^ARG BASE_IMAGE=(.+)$/m.exec(readFileSync(join(import.meta.dirname, "..", "..", "Dockerfile"), "utf8"))?.[1];
    const bytes = (await sizeOf(image)) - (await sizeOf(base ?? ""));
    assert.ok(bytes > 0 && bytes <= imageBytesMax, `${bytes} bytes`);
  });

  it("leaves nothing when it goes", async () => {
    await cluster[Symbol.asyncDispose]();
    const label = ["--filter", `label=com.docker.compose.project=${cluster.project}`, "--quiet"];
    for (const listing of [
      ["ps", "--all"],
      ["network", "ls"],
      ["volume", "ls"],
    ]) {
      assert.equal(await docker([...listing, ...label]), "", listing.join(" "));
    }
  });
});
