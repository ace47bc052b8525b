/* What pods and nodes use, as a user asks for it, from the first moment on. */

import assert from "node:assert/strict";
import type { LinkMetrics } from "#proto/podwire/v1/metrics.ts";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { podOf } from "../support/pod-manifests.ts";
import { clusterTraces } from "../support/proc.ts";
import { until } from "../support/until.ts";

const container = (name: string, command: string) => ({ name, image: "podwire/toolbox", command: ["sh", "-c", command] });

describe("podwire top on a cluster", () => {
  let cluster: Cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2, flags: ["--metrics-port", "9464"] });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    assert.deepEqual(clusterTraces(), []);
  });

  /** `NAME` → its cells, once there is a line for each of these. */
  const rowsOf = async (names: readonly string[], ...args: readonly string[]) => {
    const read = async () => {
      const { stdout } = await cluster.podwire("top", ...args, "--no-headers");
      const rows = new Map(stdout.split("\n").map((line) => [line.split(/ +/)[0] ?? "", line.split(/ +/).slice(1)]));
      return names.every((name) => rows.has(name) && !rows.get(name)?.includes("<unknown>")) ? rows : undefined;
    };
    return await until(read, `metrics of ${names.join(", ")}`, 20_000);
  };
  const numberOf = (cell = "") => Number.parseInt(cell, 10);

  it("knows nodes within seconds of their start", async () => {
    const rows = await rowsOf(["node-1", "node-2"], "nodes");
    for (const [cores, , memory] of [rows.get("node-1"), rows.get("node-2")].map((cells) => cells ?? [])) {
      assert.ok(numberOf(cores) < 1_000, `an agent without pods takes ${cores}`);
      assert.ok(numberOf(memory) >= 40 && numberOf(memory) < 300, `an agent without pods holds ${memory}`);
    }
  });

  it("knows the tunnels, from both ends", async () => {
    const links = await until(
      async () => {
        const { items } = JSON.parse(await cluster.run("get", "links", "-o", "json")) as { items: readonly LinkMetrics[] };
        return items.length === 2 && items.every(({ roundTripMs }) => roundTripMs !== undefined) ? items : undefined;
      },
      "both links",
      20_000,
    );
    assert.deepEqual(links.map(({ node, peer, state }) => `${node} ${peer} ${state}`).sort(), [
      "node-1 node-2 open",
      "node-2 node-1 open",
    ]);
  });

  it("is told to Prometheus by every host", async () => {
    await cluster.makePods(
      podOf({ name: "scraper", spec: { nodeName: "node-1", containers: [container("main", "sleep 1000")] } }),
    );
    const scrape = async (address: string) =>
      await cluster.run("exec", "scraper", "--", "curl", "-sf", `http://${address}:9464/metrics`);
    const addresses = (await cluster.run("get", "nodes", "-o", "jsonpath={.items[*].status.addresses[0].address}")).split(" ");
    for (const [i, address] of addresses.entries()) {
      assert.match(await scrape(address), new RegExp(`^podwire_link_up\\{peer="node-${2 - i}"\\} 1$`, "m"));
    }
    const text = await until(
      async () => {
        const told = await scrape("172.18.0.2");
        return told.includes('podwire_node_memory_working_set_bytes{node="node-2"}') && told;
      },
      "the nodes' usage",
      20_000,
    );
    assert.match(text, /^podwire_objects\{kind="Node"\} 2$/m);
    assert.match(text, /^podwire_node_live\{node="node-1"\} 1$/m);
    await cluster.run("delete", "pod", "scraper", "--grace-period=0", "--force");
  });

  it("tells who burns a core and who holds memory, by pod, by container and by node", async () => {
    const nodeName = "node-1";
    await cluster.makePods(
      podOf({
        name: "burns",
        spec: { nodeName, containers: [container("main", "while :; do :; done"), container("side", "sleep 1000")] },
      }),
      // tail keeps a line until it ends.
      podOf({
        name: "holds",
        spec: { nodeName, containers: [container("main", "{ head -c 52428800 /dev/zero; sleep 1000; } | tail -n 1")] },
      }),
    );
    const pods = await rowsOf(["burns", "holds"], "pods");
    const burnt = numberOf(pods.get("burns")?.[0]);
    // Others have work for the machine's processors, too.
    assert.ok(burnt > 50 && burnt < 1_100, `${burnt}m`);
    await until(async () => numberOf((await rowsOf(["holds"], "pods")).get("holds")?.[1]) >= 50, "50 MiB", 20_000);
    const containers = await cluster.run("top", "pod", "burns", "--containers");
    assert.match(
      containers,
      /^POD +NAME +CPU\(cores\) +MEMORY\(bytes\)\nburns +main +[0-9]+m +[0-9]+Mi\nburns +side +[0-9]m +[0-9]+Mi\n$/,
    );
    const rows = await rowsOf(["node-1", "node-2"], "nodes");
    assert.ok(numberOf(rows.get("node-1")?.[0]) > 50);
    assert.ok(numberOf(rows.get("node-2")?.[0]) < numberOf(rows.get("node-1")?.[0]), "the other node has no part in it");
  });

  it("forgets a pod with its end", async () => {
    await cluster.run("delete", "pod", "burns", "--grace-period=0", "--force");
    const { code, stderr } = await cluster.podwire("top", "pod", "burns");
    assert.deepEqual({ code, stderr }, { code: 1, stderr: 'Error from server (NotFound): pods "burns" not found\n' });
    assert.doesNotMatch(await cluster.run("top", "pods"), /burns/);
  });
});
