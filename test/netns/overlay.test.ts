/* Agents as processes, hosts and pods as network namespaces, real kernels' packets. */

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { createLab, type Lab, type LabAgent, type LabNode, runIn, spawnIn } from "../support/overlay-lab.ts";
import { requireSandbox } from "../support/sandbox.ts";
import { until } from "../support/until.ts";

const traffic = new URL("../support/overlay-traffic.ts", import.meta.url).pathname;
const program = (...argv: readonly string[]) => [process.execPath, traffic, ...argv];

async function linesOf(namespace: string, ...argv: readonly string[]): Promise<unknown[]> {
  const output = await runIn(namespace, program(...argv));
  return output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

/** Every line that the program has printed so far. */
function listen(child: ChildProcess): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  assert.ok(child.stdout !== null);
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(JSON.parse(line) as Record<string, unknown>));
  return lines;
}

async function startServer(node: LabNode) {
  const server = spawnIn(node.podNamespace, program("serve"));
  const lines = listen(server);
  await until(() => lines.length > 0, "the pod's server to be ready");
  return server;
}

async function peerOf(agent: LabAgent, name: string) {
  const peer = (await agent.status()).peers.find((each) => each.name === name);
  assert.ok(peer !== undefined);
  return peer;
}

async function open(agent: LabAgent, name: string): Promise<void> {
  await until(async () => (await peerOf(agent, name)).tunnel.state === "open", `the tunnel to ${name} to be open`);
}

async function startAll(lab: Lab): Promise<LabAgent[]> {
  const agents = await Promise.all(lab.nodes.map((node) => lab.startAgent(node)));
  for (const [i, agent] of agents.entries())
    for (const [j, node] of lab.nodes.entries()) if (i !== j) await open(agent, node.name);
  return agents;
}

/** Answers how many of `count` came back. */
async function ping(
  namespace: string,
  address: string,
  { count = 3, from }: { count?: number; from?: string } = {},
): Promise<number> {
  const source = from === undefined ? [] : ["-I", from];
  const argv = ["ping", "-n", "-q", "-c", String(count), "-i", "0.02", "-W", "1", ...source, address];
  const output = await runIn(namespace, argv).catch((error: { stdout?: string }) => error.stdout ?? "");
  return Number(/, (\d+) received/.exec(output)?.[1] ?? 0);
}

describe("the overlay between hosts", function () {
  this.timeout(60_000);
  before(requireSandbox);

  for (const offload of [true, false]) {
    it(`carries ping, TCP and UDP of every size, offload ${offload ? "on" : "on one side only"}`, async () => {
      await using lab = await createLab(2);
      const [a, b] = [lab.node(0), lab.node(1)];
      const agentA = await lab.startAgent(a);
      const agentB = await lab.startAgent(b, { offload });
      await open(agentA, b.name);
      await open(agentB, a.name);
      assert.equal(await ping(a.podNamespace, b.podAddress), 3);
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        await using _server = await startServer(to);
        assert.deepEqual(await linesOf(from.podNamespace, "tcp", to.podAddress, String(10 * 1024 * 1024)), [
          { intact: true, from: from.podAddress },
        ]);
        const sizes = [1, 2, 100, 1400, 1472, 1473, 9000, 32_768, 65_507];
        assert.deepEqual(
          await linesOf(from.podNamespace, "udp", to.podAddress),
          sizes.map((size) => ({ size, intact: true })),
        );
        // A node's own address, both ways, each side seeing the other's true one.
        assert.deepEqual(await linesOf(from.namespace, "tcp", to.podAddress, "1000"), [{ intact: true, from: from.address }]);
        assert.equal(await ping(from.podNamespace, to.address), 3);
      }
      const { receiveDrops } = await peerOf(agentB, a.name);
      assert.ok(
        Object.values(receiveDrops).every((count) => count === 0),
        JSON.stringify(receiveDrops),
      );
    });
  }

  it("takes single packets and then many as one again, while a connection goes on", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    const agents = await startAll(lab);
    const [agentA] = agents as [LabAgent];
    await using _server = await startServer(b);
    await using client = spawnIn(a.podNamespace, program("stream", b.podAddress));
    const lines = listen(client);
    const more = (bytes: number) => {
      const wanted = Number(lines.at(-1)?.returned ?? 0) + bytes;
      return until(() => Number(lines.at(-1)?.returned ?? 0) >= wanted, `${bytes} bytes more`);
    };
    /** Packets for each frame, of some that come now. */
    const packetsInFrame = async () => {
      const before = (await peerOf(agentA, b.name)).sent;
      await more(4 * 1024 * 1024);
      const now = (await peerOf(agentA, b.name)).sent;
      return (now.packets - before.packets) / (now.frames - before.frames);
    };
    await more(1024 * 1024);
    for (let round = 0; round < 3; round++) {
      for (const on of [false, true]) {
        for (const agent of agents) await agent.setOffload(on);
        // What the kernel had cut or not cut before still comes.
        await more(4 * 1024 * 1024);
        const ratio = await packetsInFrame();
        assert.ok(on ? ratio > 1.5 : ratio === 1, `offload ${on ? "on" : "off"}: ${ratio} packets a frame`);
      }
    }
    assert.deepEqual(
      lines.filter(({ returned }) => returned === undefined),
      [],
    );
  });

  it("joins datagrams that wait behind one another, and each comes as it was sent, unless offload is off", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    const [agentA, agentB] = (await startAll(lab)) as [LabAgent, LabAgent];
    await using _server = await startServer(b);
    for (const offload of [true, false]) {
      await agentA.setOffload(offload);
      const before = (await peerOf(agentA, b.name)).sent;
      assert.deepEqual(
        await linesOf(a.podNamespace, "bursts", b.podAddress),
        [1, 64, 1400].map((size) => ({ size, intact: true })),
      );
      const { sent } = await peerOf(agentA, b.name);
      const frames = sent.frames - before.frames;
      assert.ok(sent.packets - before.packets >= 3_000);
      assert.ok(offload ? frames < 3_000 : frames >= 3_000, `${frames} frames`);
    }
    const { sent } = await peerOf(agentA, b.name);
    const { received, receiveDrops } = await peerOf(agentB, a.name);
    assert.deepEqual([received.frames, received.packets, received.bytes], [sent.frames, sent.packets, sent.bytes]);
    assert.ok(Object.values(receiveDrops).every((count) => count === 0));
  });

  it("carries ten thousand connections at the same time", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    await startAll(lab);
    await using _server = await startServer(b);
    assert.deepEqual(await linesOf(a.podNamespace, "flows", b.podAddress, "10000"), [{ open: 10_000, intact: true }]);
  });

  it("brings the errors of IP back to who caused them", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    await startAll(lab);
    await runIn(b.namespace, ["ip", "link", "set", "pod", "mtu", "1300"]);
    await runIn(b.podNamespace, ["ip", "link", "set", "eth0", "mtu", "1300"]);
    const said = async (...args: readonly string[]) => {
      const argv = ["ping", "-n", "-c", "1", "-W", "2", ...args];
      return runIn(a.podNamespace, argv).catch((error: { stdout?: string; stderr?: string }) => `${error.stdout}${error.stderr}`);
    };
    // The hops: the pod's own node, the other node, the other pod.
    assert.match(await said("-t", "1", b.podAddress), new RegExp(`From ${a.address} .*Time to live exceeded`));
    assert.match(await said("-t", "2", b.podAddress), new RegExp(`From ${b.address} .*Time to live exceeded`));
    assert.match(await said("-t", "3", b.podAddress), /1 received/);
    assert.match(await said("-M", "do", "-s", "1372", b.podAddress), /Frag needed|message too long|mtu = 1300/);
    // And with fragments allowed it arrives.
    assert.match(await said("-s", "1372", b.podAddress), /1 received/);
    assert.match(await said(b.podAddress.replace(/\.2$/, ".99")), new RegExp(`From ${b.address} .*Unreachable`));
    assert.match(await said("-R", b.podAddress), /1 received/, "with an option in its IP header");
  });

  it("keeps a TCP connection over kill -9 of an agent and a new one", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    const [, agentB] = await startAll(lab);
    await using _server = await startServer(b);
    await using chat = spawnIn(a.podNamespace, program("chat", b.podAddress));
    const lines = listen(chat);
    await until(() => lines.length > 10, "the connection to talk");
    await agentB?.signal("SIGKILL");
    await lab.startAgent(b);
    const before = Number(lines.at(-1)?.echoed);
    await until(() => Number(lines.at(-1)?.echoed) > before + 50, "the same connection to go on");
    assert.deepEqual(
      lines.filter((line) => line.echoed === undefined),
      [],
    );
  });

  it("lets one agent only hold the device", async () => {
    await using lab = await createLab(1);
    const node = lab.node(0);
    await lab.startAgent(node);
    const attach =
      'import("#kernel/tun.ts").then(({ openTun }) => openTun({ name: "pw0" })).catch((e) => console.log(e.kind, e.message))';
    const said = await runIn(node.namespace, [process.execPath, "-e", attach]);
    assert.match(said, /^failed-precondition device pw0 is held by another process/);
  });

  it("ends the agent, with the reason, when its device is removed", async () => {
    await using lab = await createLab(1);
    const node = lab.node(0);
    const watch = [
      'import("#kernel/tun.ts").then(({ openTun }) => openTun({ name: "pw0" }).watch(() => {}))',
      'process.on("uncaughtException", (e) => { console.log(e.kind, e.message); process.exit(3) })',
      'setInterval(() => console.log("attached"), 20)',
    ].join(";");
    await using child = spawnIn(node.namespace, [process.execPath, "-e", watch]);
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(() => said.includes("attached"), "the device to be watched");
    await runIn(node.namespace, ["ip", "link", "del", "pw0"]);
    await until(() => child.exitCode !== null, "the program to end");
    assert.match(said, /failed-precondition device pw0 was removed while it was in use/);
  });

  it("delays nobody while one peer is stopped and flooded, and finds it again", async () => {
    await using lab = await createLab(3);
    const [a, b, c] = [lab.node(0), lab.node(1), lab.node(2)];
    const [agentA, , agentC] = await startAll(lab);
    assert.ok(agentA !== undefined && agentC !== undefined);
    await agentC.signal("SIGSTOP");
    try {
      await using flood = spawnIn(a.podNamespace, program("flood", c.podAddress));
      const lines = listen(flood);
      await until(() => lines.length > 0, "the flood to begin");
      assert.equal(await ping(a.podNamespace, b.podAddress, { count: 100 }), 100);
      await until(async () => {
        const { tunnel, sendDrops } = await peerOf(agentA, c.name);
        return tunnel.state !== "open" && sendDrops["not-connected"] + sendDrops["queue-full"] > 0;
      }, "the silent peer to be given up");
    } finally {
      await agentC.signal("SIGCONT");
    }
    await open(agentA, c.name);
    await until(async () => (await ping(a.podNamespace, c.podAddress)) === 3, "the peer that goes on to be reached again");
  });

  it("lets no packet out whose source isn't the node's, and none in whose source isn't the peer's", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    const [agentA, agentB] = await startAll(lab);
    assert.ok(agentA !== undefined && agentB !== undefined);
    const liar = "10.9.9.9";
    await runIn(a.podNamespace, ["ip", "addr", "add", `${liar}/32`, "dev", "lo"]);
    assert.equal(await ping(a.podNamespace, b.podAddress, { from: liar }), 0);
    assert.ok((await agentA.status()).drops.spoofed >= 3);
    assert.equal((await peerOf(agentB, a.name)).receiveDrops.spoofed, 0);
    // An agent that believes the address to be its own sends it, and the other side knows better.
    const view = lab.viewOf(a);
    await agentA.set({ ...view, self: { ...view.self, podCidrs: [a.podCidr, "10.9.9.0/24"] } });
    assert.equal(await ping(a.podNamespace, b.podAddress, { from: liar }), 0);
    assert.ok((await peerOf(agentB, a.name)).receiveDrops.spoofed >= 3);
    assert.equal(await ping(a.podNamespace, b.podAddress), 3);
  });

  it("passes nothing on to a third node", async () => {
    await using lab = await createLab(3);
    const [a, b, c] = [lab.node(0), lab.node(1), lab.node(2)];
    const [agentA, agentB] = await startAll(lab);
    assert.ok(agentA !== undefined && agentB !== undefined);
    // To node 1, node 3's block is node 2's.
    const view = lab.viewOf(a);
    const peers = view.peers.map((peer) => ({ ...peer, podCidrs: peer.name === b.name ? [b.podCidr, c.podCidr] : [] }));
    await agentA.set({ ...view, peers });
    assert.equal(await ping(a.podNamespace, c.podAddress), 0);
    assert.ok((await peerOf(agentB, a.name)).receiveDrops.transit >= 3);
  });

  it("refuses a peer with a wrong key", async () => {
    await using lab = await createLab(2);
    const [a, b] = [lab.node(0), lab.node(1)];
    const view = lab.viewOf(a);
    const agentA = await lab.startAgent(a, {
      view: { ...view, peers: view.peers.map((peer) => ({ ...peer, key: "ab".repeat(32) })) },
    });
    const agentB = await lab.startAgent(b);
    await until(async () => (await agentB.status()).refusals.unproven > 0, "the refusal to be counted");
    assert.equal(await ping(a.podNamespace, b.podAddress), 0);
    assert.notEqual((await peerOf(agentA, b.name)).sendDrops["not-connected"], 0);
  });
});
