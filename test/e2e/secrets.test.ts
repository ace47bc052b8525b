/* The join token and the nodes' credentials stay in their files: no log, command line or environment holds them, and no pod. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { allPids } from "../support/proc.ts";
import { until } from "../support/until.ts";

describe("secrets", () => {
  let cluster: Cluster;
  let secrets: readonly string[];

  before(async () => {
    cluster = await startCluster({ nodes: 2, flags: ["--log-level", "trace"] });
    await cluster.run("verify");
    await cluster.makePods(podOf({ name: "curious", node: "node-2" }));
    // Whoever is refused or comes again has more to say.
    process.kill(cluster.pids.controlPlane, "SIGKILL");
    process.kill(cluster.pids.agent("node-2"), "SIGKILL");
    await until(async () => (await cluster.podwire("delete", "node", "node-1")).code === 0, "the end of node-1", 20_000);
    const nodes = async () => (await cluster.podwire("get", "nodes", "--no-headers")).stdout.match(/ Ready /g) ?? [];
    await until(async () => (await nodes()).length === 2, "two Ready nodes", 20_000);
    const text = (path: string) => readFileSync(join(cluster.dir, "state", path), "utf8");
    const credentials = ["node-1", "node-2"].flatMap(
      (node) => text(`${node}/identity.json`).match(/[0-9a-f]{32,}|[\w-]{40,}/g) ?? [],
    );
    secrets = [text("join-token").trim(), ...credentials];
    assert.ok(secrets.length >= 3, `only ${secrets.length} secrets found`);
    assert.ok(secrets.every((secret) => secret.length >= 32));
  });

  after(() => cluster[Symbol.asyncDispose]());

  const holders = (files: readonly string[]) =>
    files.filter((file) => {
      const text = tryRead(file);
      return secrets.some((secret) => text.includes(secret));
    });

  it("are in no log", () => {
    const logs = readdirSync(join(cluster.dir, "logs")).map((name) => join(cluster.dir, "logs", name));
    assert.equal(logs.length, 4);
    assert.ok(logs.every((log) => statSync(log).size > 0));
    assert.deepEqual(holders(logs), []);
  });

  it("are in no command line and no environment", () => {
    const files = allPids().flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
    assert.ok(files.length > 10);
    assert.deepEqual(holders(files), []);
  });

  it("are in files of their owner alone", () => {
    for (const path of [
      "",
      "state",
      "logs",
      "state/join-token",
      "state/node-1/identity.json",
      "state/control-plane/store.db",
      "api.sock",
    ]) {
      const { mode } = statSync(join(cluster.dir, path));
      assert.equal(mode & 0o077, 0, `${path || "the folder"} is open to others: ${(mode & 0o777).toString(8)}`);
    }
  });

  it("are not kept by the control plane, which knows the credentials' hashes", () => {
    const folder = join(cluster.dir, "state", "control-plane");
    assert.deepEqual(holders(readdirSync(folder).map((name) => join(folder, name))), []);
  });

  it("can't be read by a pod", async () => {
    const token = join(cluster.dir, "state", "join-token");
    const read = (...argv: readonly string[]) => cluster.podwire("exec", "curious", "--", ...argv);
    for (const path of [token, join(cluster.dir, "api.sock"), "/run/netns", "/run/podwire/t-x"]) {
      assert.notEqual((await read("ls", path)).code, 0, `a pod sees ${path}`);
    }
    const { stdout } = await read("sh", "-c", "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'");
    assert.ok(stdout.includes("PATH="));
    assert.ok(secrets.every((secret) => !stdout.includes(secret)));
  });
});

function tryRead(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // A process may end meanwhile.
    return "";
  }
}
