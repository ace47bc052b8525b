/* The control plane may die at any moment. In process it is opened again over the same SQLite file; as a process it is killed with
 * kill -9 while nodes join and pods are made. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseCidr } from "#core/cidr.ts";
import { createRng } from "#core/rng.ts";
import { createLog } from "#process/log.ts";
import { systemClock } from "#process/system-clock.ts";
import { ClusterService } from "#proto/podwire/v1/cluster.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";
import { createRpcClient } from "#rpc/client.ts";
import { startControlPlane } from "../../control-plane/start.ts";
import { openMemoryStore } from "../../control-plane/store/open-store.ts";
import { openSqliteStore } from "../../control-plane/store/sqlite-store.ts";
import { podManifest, startTestCluster } from "../support/control-plane.ts";
import { startControlPlaneProcess } from "../support/control-plane-process.ts";
import { type FakeAgent, joinFakeAgent } from "../support/fake-agent.ts";
import { until } from "../support/until.ts";

describe("a control plane that starts again", () => {
  let folder = "";
  const path = (name: string) => join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "podwire-restart-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has every object, epoch, key and block of before, and goes on with the work", async () => {
    const open = () => openSqliteStore({ path: path("store.db"), clock: systemClock });
    const before = { key: "", uid: "", epoch: 0 };
    {
      await using store = open();
      await using cluster = await startTestCluster({ store });
      const { session } = await cluster.joinReady("node-1");
      await cluster.joinReady("node-2");
      await until(() => session.view.peers.has("node-2"), "the peer");
      before.key = Buffer.from(session.view.peers.get("node-2")?.key ?? []).toString("hex");
      before.epoch = session.welcome?.epoch ?? 0;
      await cluster.write("apply", [
        podManifest("bound", { nodeName: "node-1" }),
        podManifest("late", { nodeSelector: { disk: "ssd" } }),
      ]);
      before.uid = cluster.pod("bound")?.metadata?.uid ?? "";
    }
    await using store = open();
    await using cluster = await startTestCluster({ store });
    const agent = await cluster.join("node-1", { labels: { disk: "ssd" } });
    const session = agent.openSession();
    await session.ready();
    assert.deepEqual(session.view.podCIDRs, ["10.244.0.0/24"]);
    assert.equal(Buffer.from(session.view.peers.get("node-2")?.key ?? []).toString("hex"), before.key);
    assert.ok((session.welcome?.epoch ?? 0) > before.epoch);
    assert.ok(session.view.pods.has(before.uid));
    await until(() => session.view.pods.size === 2, "the pod that waited for a node");
    const third = await cluster.join("node-3");
    assert.equal(cluster.node(third.name)?.spec?.podCIDR, "10.244.2.0/24", "the search goes on behind the last block");
  });

  it("ends when its store has stopped, since it could promise nothing any more", async () => {
    const store = openMemoryStore();
    await using controlPlane = await startControlPlane({
      ...{ store, clock: systemClock, rng: createRng(1), tokens: {}, timeScale: 1, heartbeatTimeoutMs: 3_000 },
      ...{ name: "test", podCidr: parseCidr("10.244.0.0/16"), nodeCidrPrefix: 24, serviceCidr: parseCidr("10.96.0.0/16") },
      balancerCidr: parseCidr("10.97.0.0/24"),
      log: createLog({ level: "silent", name: "control-plane" }),
      socket: path("api.sock"),
      signal: new AbortController().signal,
    });
    await store[Symbol.asyncDispose]();
    await assert.rejects(controlPlane.ended, /the store is closed/);
  });

  it("after ten kills with -9 has lost no acknowledged write and given no block twice", async function () {
    this.timeout(120_000);
    const address = `unix:${path("api.sock")}`;
    const argv = [
      "--socket",
      path("api.sock"),
      "--data",
      path("data"),
      "--join-token-file",
      path("join"),
      "--node-cidr-prefix",
      "28",
    ];
    const start = async () => {
      const process = startControlPlaneProcess(argv);
      assert.ok(await process.ready, process.output.join("\n"));
      return process;
    };
    const rng = createRng(20260101);
    const acknowledged = { agents: [] as FakeAgent[], pods: [] as string[], blocks: new Map<string, string>() };
    await using agents = new AsyncDisposableStack();
    const stopping = new AbortController();
    using client = createRpcClient(ClusterService, { address });

    let process = await start();
    await using _ = { [Symbol.asyncDispose]: () => process.kill("SIGKILL") };
    const joinToken = (await readFile(path("join"), "utf8")).trim();

    /** Tries for ever, with a new name each time, and keeps what was acknowledged. */
    const work = async (attempt: (count: number) => Promise<void>) => {
      for (let count = 0; !stopping.signal.aborted; count++) {
        await attempt(count).catch(() => sleep(20));
      }
    };
    const workers = [
      work(async (count) => {
        const agent = agents.use(await joinFakeAgent({ address, name: `node-${count}`, joinToken }));
        acknowledged.agents.push(agent);
        const session = agent.openSession();
        await session.ready();
        acknowledged.blocks.set(agent.name, session.view.podCIDRs[0] ?? "");
        session.kill();
      }),
      work(async (count) => {
        const manifests = [{ json: JSON.stringify(podManifest(`pod-${count}`)), source: "" }];
        await client.apply(
          { manifests, namespace: "", validate: "", dryRun: false },
          { signal: stopping.signal, timeoutMs: 2_000 },
        );
        acknowledged.pods.push(`pod-${count}`);
      }),
    ];
    for (let round = 0; round < 10; round++) {
      const wanted = acknowledged.pods.length + 1;
      await until(() => acknowledged.pods.length >= wanted, "a write in this round");
      await sleep(rng.next() * 60);
      await process.kill("SIGKILL");
      process = await start();
    }
    stopping.abort();
    await Promise.all(workers);
    // The credentials are as good as the objects.
    for (const agent of acknowledged.agents.slice(-3)) await agent.openSession({ bootId: "after the last kill" }).ready();
    await process.kill("SIGKILL");

    await using store = openSqliteStore({ path: path("data/store.db"), clock: systemClock });
    const nodes = store.list("nodes/").entries.map(({ value }) => value as Node);
    const blocks = nodes.map((node) => node.spec?.podCIDR);
    assert.ok(acknowledged.agents.length > 5 && acknowledged.pods.length > 5, "there was work to lose");
    for (const { name } of acknowledged.agents) assert.ok(store.get(`nodes/${name}`), name);
    for (const name of acknowledged.pods) assert.ok(store.get(`pods/default/${name}`), name);
    for (const [name, block] of acknowledged.blocks)
      assert.equal((store.get(`nodes/${name}`)?.value as Node | undefined)?.spec?.podCIDR, block);
    assert.equal(new Set(blocks).size, nodes.length, "no block twice");
    const owners = new Map(
      store
        .list("allocations/podCIDR/")
        .entries.map(({ key, value }) => [
          key.slice("allocations/podCIDR/".length).replace("-", "/"),
          (value as { owner: string }).owner,
        ]),
    );
    assert.deepEqual(owners, new Map(nodes.map((node) => [node.spec?.podCIDR ?? "", node.metadata?.name ?? ""])));
  });
});
