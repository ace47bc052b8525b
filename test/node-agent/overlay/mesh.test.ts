/* Overlays in one process, with TUNs that have no kernel, over loopback: what frames and connections do. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import pino from "pino";
import { WebSocket, WebSocketServer } from "ws";
import { parseCidr } from "#core/cidr.ts";
import type { GsoType } from "#core/frames.ts";
import { parseIpv4 } from "#core/ipv4.ts";
import { createRng } from "#core/rng.ts";
import { systemClock } from "#process/system-clock.ts";
import {
  answerHeaders,
  type Hello,
  helloHeaders,
  makeAnswer,
  makeHello,
  readHello,
  subprotocol,
} from "../../../node-agent/overlay/handshake.ts";
import { type Overlay, type OverlayLimits, type OverlayPeer, startOverlay } from "../../../node-agent/overlay/overlay.ts";
import { createFakeTun, type FakeTun } from "../../support/fake-tun.ts";
import { frame, ipv4Packet, record, tcpSegment } from "../../support/packets.ts";
import { until } from "../../support/until.ts";

interface Node extends AsyncDisposable {
  readonly number: number;
  readonly overlay: Overlay;
  readonly tun: FakeTun;
}

interface NodeOptions {
  readonly offloads?: readonly GsoType[];
  readonly limits?: Partial<OverlayLimits>;
  readonly port?: number;
}

/** Node n has the pods 10.244.n.0/24 and the address 192.0.2.n. */
async function startNode(number: number, { offloads, limits, port = 0 }: NodeOptions = {}): Promise<Node> {
  const tun = createFakeTun(offloads);
  const overlay = await startOverlay({
    listen: { host: "127.0.0.1", port },
    tun,
    clock: systemClock,
    rng: createRng(number),
    log: pino({ level: "silent" }),
    signal: new AbortController().signal,
    limits,
  });
  return { number, overlay, tun, [Symbol.asyncDispose]: () => overlay[Symbol.asyncDispose]() };
}

const nobodyListens = "127.0.0.1:1";

function peerOf(number: number, of: number, changes: Partial<OverlayPeer> = {}): OverlayPeer {
  return {
    name: `node-${number}`,
    podCidrs: [parseCidr(`10.244.${number}.0/24`)],
    nodeAddress: parseIpv4(`192.0.2.${number}`),
    endpoint: nobodyListens,
    key: keyOf(number, of),
    ...changes,
  };
}

function keyOf(a: number, b: number): Uint8Array {
  return createHash("sha256")
    .update(`${Math.min(a, b)} ${Math.max(a, b)}`)
    .digest();
}

function see(node: Node, peers: readonly OverlayPeer[]): void {
  const { podCidrs, nodeAddress, name } = peerOf(node.number, 0);
  node.overlay.set({ self: { name, podCidrs, nodeAddress }, peers });
}

/** Each sees all the others. */
function join(...nodes: readonly Node[]): void {
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    see(
      node,
      others.map((other) => peerOf(other.number, node.number, { endpoint: `127.0.0.1:${other.overlay.port}` })),
    );
  }
}

function statusOf(node: Node, peer: number) {
  const status = node.overlay.status().peers.find(({ name }) => name === `node-${peer}`);
  assert.ok(status !== undefined, `node-${node.number} has the peer node-${peer}`);
  return status;
}

function reaches(node: Node, peer: number, state: string): Promise<unknown> {
  return until(() => statusOf(node, peer).tunnel.state === state, `node-${node.number}'s tunnel to node-${peer} to be ${state}`);
}

async function joined(...nodes: readonly Node[]): Promise<void> {
  join(...nodes);
  for (const node of nodes) for (const other of nodes) if (other !== node) await reaches(node, other.number, "open");
}

/** From pod to pod. */
const ping = (from: number, to: number, mark = 0) =>
  frame(ipv4Packet({ from: `10.244.${from}.2`, to: `10.244.${to}.2`, payload: Buffer.alloc(8, mark) }));

interface Stranger extends AsyncDisposable {
  readonly websocket: WebSocket;
}

/** A client of our own making that holds node `number`'s key for `node`. */
async function dialAs(number: number, node: Node, changes: Partial<Hello> = {}): Promise<Stranger> {
  const websocket = new WebSocket(`ws://127.0.0.1:${node.overlay.port}/`, [subprotocol], {
    headers: headersAs(number, node, changes),
  });
  await once(websocket, "open");
  return {
    websocket,
    async [Symbol.asyncDispose]() {
      if (websocket.readyState === WebSocket.CLOSED) return;
      websocket.terminate();
      await once(websocket, "close");
    },
  };
}

function headersAs(number: number, node: Node, changes: Partial<Hello> = {}): Record<string, string> {
  const token = () => randomBytes(16).toString("base64url");
  const fields = {
    node: `node-${number}`,
    peer: `node-${node.number}`,
    timeMs: Date.now(),
    nonce: token(),
    instance: token(),
    offload: "tcp4,tcp6,udp",
  };
  return helloHeaders(makeHello({ ...fields, ...changes }, keyOf(number, node.number)));
}

describe("the mesh", () => {
  it("carries a frame to the peer that has its destination, unchanged, on a pod's and on a node's address", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    await using c = await startNode(3);
    await joined(a, b, c);
    const toNode = frame(ipv4Packet({ from: "10.244.1.2", to: "192.0.2.3" }));
    const fromNode = frame(ipv4Packet({ from: "192.0.2.1", to: "10.244.2.2" }));
    a.tun.inject(ping(1, 2), ping(1, 3), toNode, fromNode);
    await until(() => b.tun.delivered.length === 2 && c.tun.delivered.length === 2, "the frames to arrive");
    assert.deepEqual(b.tun.delivered, [ping(1, 2), fromNode]);
    assert.deepEqual(c.tun.delivered, [ping(1, 3), toNode]);
    assert.deepEqual(statusOf(a, 2).sent, { bytes: ping(1, 2).length + fromNode.length, packets: 2, frames: 2, messages: 1 });
    assert.deepEqual(statusOf(b, 1).received, statusOf(a, 2).sent);
  });

  it("keeps the order of a thousand frames of all sizes, and takes them in shares", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    await joined(a, b);
    const frames = Array.from({ length: 1000 }, (_, i) =>
      frame(ipv4Packet({ from: "10.244.1.2", to: "10.244.2.2", payload: Buffer.alloc((i * 7919) % 900, i) })),
    );
    a.tun.inject(...frames);
    await until(() => b.tun.delivered.length === 1000, "the frames to arrive");
    assert.ok(Buffer.concat(b.tun.delivered).equals(Buffer.concat(frames)));
    assert.ok(a.tun.readsInTurnMax <= 129, `one turn read ${a.tun.readsInTurnMax} frames`);
    assert.ok(statusOf(a, 2).sent.messages < 100, "frames travel in batches");
  });

  it("takes long frames in shares too, so that a turn stays short", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    await joined(a, b);
    const long = frame(ipv4Packet({ from: "10.244.1.2", to: "10.244.2.2", payload: Buffer.alloc(65_000) }));
    a.tun.inject(...Array.from({ length: 60 }, () => long));
    await until(() => b.tun.delivered.length + statusOf(a, 2).sendDrops["queue-full"] === 60, "the frames to arrive");
    assert.ok(a.tun.readsInTurnMax <= 18, `one turn read ${a.tun.readsInTurnMax} frames of 65 kB`);
  });

  it("carries both directions on the one connection that there is", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    see(a, [peerOf(2, 1, { endpoint: `127.0.0.1:${b.overlay.port}` })]);
    see(b, [peerOf(1, 2)]);
    await reaches(b, 1, "one-way");
    a.tun.inject(ping(1, 2));
    b.tun.inject(ping(2, 1));
    await until(() => a.tun.delivered.length === 1 && b.tun.delivered.length === 1, "a frame each way");
    assert.deepEqual(a.tun.delivered, [ping(2, 1)]);
    assert.deepEqual(b.tun.delivered, [ping(1, 2)]);
  });

  const outgoing = [
    { what: "for which there is no peer", bytes: ping(1, 9), reason: "no-peer" },
    { what: "whose source isn't this node's", bytes: ping(2, 2), reason: "spoofed" },
    { what: "of IPv6", bytes: frame(Buffer.concat([Buffer.from([0x60]), Buffer.alloc(39)])), reason: "ipv6" },
    { what: "that is cut short", bytes: ping(1, 2).subarray(0, 20), reason: "malformed" },
  ] as const;
  for (const { what, bytes, reason } of outgoing) {
    it(`drops a frame from the TUN ${what} and counts it as ${reason}`, async () => {
      await using a = await startNode(1);
      await using b = await startNode(2);
      await joined(a, b);
      a.tun.inject(bytes, ping(1, 2));
      await until(() => b.tun.delivered.length > 0, "the good frame to arrive");
      assert.deepEqual(b.tun.delivered, [ping(1, 2)]);
      assert.equal(a.overlay.status().drops[reason], 1);
    });
  }

  it("drops and counts what it can't send because the peer is away", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    a.tun.inject(ping(1, 2));
    await until(() => statusOf(a, 2).sendDrops["not-connected"] === 1, "the drop to be counted");
  });

  const gsoFrame = frame(ipv4Packet({ from: "10.244.2.2", to: "10.244.1.2", protocol: 6, payload: tcpSegment(3000) }), {
    flags: 1,
    gsoType: 1,
    headerLength: 40,
    gsoSize: 1448,
    checksumStart: 20,
    checksumOffset: 16,
  });
  const incoming = [
    { what: "from another peer's address", message: record(ping(3, 1)), reason: "spoofed" },
    { what: "from this node's own address", message: record(ping(1, 1)), reason: "spoofed" },
    { what: "for another node", message: record(ping(2, 3)), reason: "transit" },
    {
      what: "with an unknown flag",
      message: record(frame(ipv4Packet({ from: "10.244.2.2", to: "10.244.1.2" }), { flags: 8 })),
      reason: "bad-flags",
    },
    { what: "of a gso type that was not named", message: record(gsoFrame), reason: "bad-gso" },
    {
      what: "whose record is longer than its packet",
      message: record(Buffer.concat([ping(2, 1), Buffer.alloc(3)])),
      reason: "malformed",
    },
    { what: "whose record ends after the message", message: record(ping(2, 1)).subarray(0, -1), reason: "malformed" },
  ] as const;
  for (const { what, message, reason } of incoming) {
    it(`drops a peer's frame ${what}, counts it as ${reason}, and takes the next message`, async () => {
      await using a = await startNode(1, { offloads: ["udp"] });
      see(a, [peerOf(2, 1), peerOf(3, 1)]);
      await using peer = await dialAs(2, a);
      peer.websocket.send(message);
      peer.websocket.send(record(ping(2, 1)));
      await until(() => a.tun.delivered.length > 0, "the good frame to arrive");
      assert.deepEqual(a.tun.delivered, [ping(2, 1)]);
      assert.equal(statusOf(a, 2).receiveDrops[reason], 1);
    });
  }

  it("counts what the kernel refuses", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    await using peer = await dialAs(2, a);
    a.tun.refuses = true;
    peer.websocket.send(record(ping(2, 1)));
    await until(() => statusOf(a, 2).receiveDrops["tun-refused"] === 1, "the refusal to be counted");
  });
});

describe("a tunnel", () => {
  it("measures its round trip", async () => {
    await using a = await startNode(1, { limits: { heartbeatMs: 20 } });
    await using b = await startNode(2);
    await joined(a, b);
    const roundTripMs = await until(() => statusOf(a, 2).roundTripMs, "a pong");
    assert.ok(roundTripMs > 0 && roundTripMs < 1000);
  });

  it("opens again by itself when the peer is back", async () => {
    await using a = await startNode(1);
    const first = await startNode(2);
    const port = first.overlay.port;
    await joined(a, first);
    await first[Symbol.asyncDispose]();
    await until(() => statusOf(a, 2).tunnel.state !== "open", "the tunnel to be lost");
    await using second = await startNode(2, { port });
    join(a, second);
    await reaches(a, 2, "open");
    a.tun.inject(ping(1, 2));
    await until(() => second.tun.delivered.length === 1, "a frame to arrive");
  });

  it("uses a peer's newest connection and closes the one before", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    const instance = randomBytes(16).toString("base64url");
    await using older = await dialAs(2, a, { instance });
    const closed = once(older.websocket, "close");
    await using newer = await dialAs(2, a, { instance });
    assert.equal((await closed)[0], 4000);
    const message = once(newer.websocket, "message");
    a.tun.inject(ping(1, 2));
    assert.deepEqual((await message)[0], record(ping(1, 2)));
  });

  it("is cut as soon as another run of the peer shows itself", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", clientTracking: false });
    server.on("headers", (lines, request) => {
      const hello = readHello(request.headers);
      assert.ok(hello !== undefined);
      const token = randomBytes(16).toString("base64url");
      const answer = makeAnswer({ nonce: token, instance: token, offload: "none" }, hello, keyOf(1, 2));
      lines.push(...Object.entries(answerHeaders(answer)).map(([name, value]) => `${name}: ${value}`));
    });
    await once(server, "listening");
    await using a = await startNode(1);
    const connected = once(server, "connection");
    see(a, [peerOf(2, 1, { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })]);
    const [earlier] = (await connected) as [WebSocket];
    const closed = once(earlier, "close");
    await using _later = await dialAs(2, a);
    assert.equal((await closed)[0], 1006);
    server.close();
  });

  it("takes new CIDRs without being cut", async () => {
    await using a = await startNode(1);
    await using peer = await (async () => {
      see(a, [peerOf(2, 1)]);
      return dialAs(2, a);
    })();
    see(a, [peerOf(2, 1, { podCidrs: [parseCidr("10.244.9.0/24")] })]);
    peer.websocket.send(Buffer.concat([record(ping(2, 1)), record(ping(9, 1))]));
    const message = once(peer.websocket, "message");
    a.tun.inject(ping(1, 9));
    assert.deepEqual((await message)[0], record(ping(1, 9)));
    await until(() => a.tun.delivered.length > 0, "the frame from the new block");
    assert.deepEqual(a.tun.delivered, [ping(9, 1)]);
    assert.equal(statusOf(a, 2).receiveDrops.spoofed, 1);
    assert.equal(peer.websocket.readyState, WebSocket.OPEN);
  });

  it("is closed when the peer is removed, and its key is worth nothing any more", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    await using peer = await dialAs(2, a);
    const closed = once(peer.websocket, "close");
    see(a, []);
    assert.equal((await closed)[0], 4001);
    await assert.rejects(dialAs(2, a), /401/);
  });

  it("is closed when the peer's key changes", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    await using peer = await dialAs(2, a);
    const closed = once(peer.websocket, "close");
    see(a, [peerOf(2, 1, { key: Buffer.alloc(32, 9) })]);
    assert.equal((await closed)[0], 4001);
    await assert.rejects(dialAs(2, a), /401/);
  });

  it("follows the peer to another endpoint", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    await using moved = await startNode(2);
    await joined(a, b);
    see(a, [peerOf(2, 1, { endpoint: `127.0.0.1:${moved.overlay.port}` })]);
    see(moved, [peerOf(1, 2, { endpoint: `127.0.0.1:${a.overlay.port}` })]);
    await reaches(moved, 1, "open");
  });

  for (const { endpoint, reason } of [
    { endpoint: "nowhere:port", reason: /Invalid URL/ },
    { endpoint: nobodyListens, reason: /ECONNREFUSED/ },
  ]) {
    it(`says why it can't be dialled at ${endpoint}, and tries on`, async () => {
      await using a = await startNode(1);
      see(a, [peerOf(2, 1, { endpoint })]);
      const tunnel = await until(() => {
        const { tunnel: now } = statusOf(a, 2);
        return now.state === "backoff" && now.attempt > 0 && now;
      }, "the second failure");
      assert.match(tunnel.reason, reason);
    });
  }

  it("is not opened where the other side can't prove the key", async () => {
    // An accomplice that accepts everybody and answers with made-up proofs.
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("headers", (lines) => {
      const token = randomBytes(16).toString("base64url");
      lines.push(
        `Podwire-Nonce: ${token}`,
        `Podwire-Instance: ${token}`,
        "Podwire-Offload: none",
        `Podwire-Proof: ${"A".repeat(43)}`,
      );
    });
    await once(server, "listening");
    await using a = await startNode(1);
    see(a, [peerOf(2, 1, { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}` })]);
    const reason = await until(() => {
      const { tunnel } = statusOf(a, 2);
      return tunnel.state === "backoff" && tunnel.reason;
    }, "the failure");
    assert.match(reason, /does not prove/);
    server.close();
  });

  it("is cut when nothing is heard for three heartbeats", async () => {
    await using a = await startNode(1, { limits: { heartbeatMs: 20 } });
    see(a, [peerOf(2, 1)]);
    await using peer = await dialAs(2, a);
    const closed = once(peer.websocket, "close");
    // Reads nothing, so it answers no ping.
    peer.websocket.pause();
    await until(() => statusOf(a, 2).tunnel.state !== "one-way", "the tunnel to be cut");
    peer.websocket.resume();
    assert.equal((await closed)[0], 1006);
  });

  it("drops the newest past its bound, delays nobody else, and is cut when it stays full", async () => {
    await using a = await startNode(1, { limits: { heartbeatMs: 50, silentHeartbeatsMax: 1000 } });
    see(a, [peerOf(2, 1), peerOf(3, 1)]);
    await using stalled = await dialAs(2, a);
    await using lively = await dialAs(3, a);
    const closed = once(stalled.websocket, "close");
    stalled.websocket.pause();
    let arrived = 0;
    lively.websocket.on("message", (message: Buffer) => {
      arrived += Math.round(message.length / 1200);
    });
    const big = frame(ipv4Packet({ from: "10.244.1.2", to: "10.244.2.2", payload: Buffer.alloc(60_000) }));
    const other = frame(ipv4Packet({ from: "10.244.1.2", to: "10.244.3.2", payload: Buffer.alloc(1166) }));
    let sent = 0;
    // The kernel's own buffers take some megabytes before anything waits in the process.
    await until(() => {
      a.tun.inject(big, big, big, other);
      sent += 1;
      return statusOf(a, 2).sendDrops["queue-full"] > 20;
    }, "the stalled peer's queue to be full");
    assert.ok(statusOf(a, 2).queuedBytes <= 1024 * 1024);
    await until(() => arrived === sent, "the other peer's frames, all of them");
    assert.equal(statusOf(a, 3).sendDrops["queue-full"], 0);
    await until(() => {
      a.tun.inject(big);
      return statusOf(a, 2).tunnel.state !== "one-way";
    }, "the stalled connection to be cut");
    stalled.websocket.resume();
    assert.equal((await closed)[0], 1006);
  });

  it("takes no text and no message past the bound", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    await using chatty = await dialAs(2, a);
    const closed = once(chatty.websocket, "close");
    chatty.websocket.send("hello");
    assert.equal((await closed)[0], 1003);
    await using bulky = await dialAs(2, a);
    const refused = once(bulky.websocket, "close");
    bulky.websocket.send(Buffer.alloc(256 * 1024 + 1));
    assert.equal((await refused)[0], 1009);
  });

  it("makes the kernel give only what every peer takes", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2, { offloads: ["tcp4", "tcp6"] });
    await using c = await startNode(3, { offloads: [] });
    await joined(a, b);
    assert.deepEqual(a.tun.given, ["tcp4", "tcp6"]);
    await joined(a, b, c);
    assert.deepEqual(a.tun.given, []);
    join(a, b);
    assert.deepEqual(a.tun.given, ["tcp4", "tcp6"]);
  });

  it("never sends a gso type that the peer did not name, though the TUN still had one", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2, { offloads: [] });
    await joined(a, b);
    const segments = frame(ipv4Packet({ from: "10.244.1.2", to: "10.244.2.2", protocol: 6, payload: tcpSegment(3000) }), {
      flags: 1,
      gsoType: 1,
      headerLength: 40,
      gsoSize: 1448,
      checksumStart: 20,
      checksumOffset: 16,
    });
    a.tun.inject(segments, ping(1, 2));
    await until(() => b.tun.delivered.length > 0, "the plain frame");
    assert.deepEqual(b.tun.delivered, [ping(1, 2)]);
    assert.equal(statusOf(a, 2).sendDrops["bad-gso"], 1);
  });
});

describe("the door", () => {
  it("stays shut for a wrong key, from either side, and says so", async () => {
    await using a = await startNode(1);
    await using b = await startNode(2);
    see(a, [peerOf(2, 1, { endpoint: `127.0.0.1:${b.overlay.port}` })]);
    see(b, [peerOf(1, 2, { key: Buffer.alloc(32, 9) })]);
    const reason = await until(() => {
      const { tunnel } = statusOf(a, 2);
      return tunnel.state === "backoff" && tunnel.reason;
    }, "the refusal");
    assert.equal(reason, "refused with 401 (unproven)");
    assert.ok(b.overlay.status().refusals.unproven >= 1);
  });

  it("lets the same request in once", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    const headers = headersAs(2, a);
    const dial = () => new WebSocket(`ws://127.0.0.1:${a.overlay.port}/`, [subprotocol], { headers });
    const first = dial();
    await once(first, "open");
    await assert.rejects(once(dial(), "open"), /401/);
    assert.equal(a.overlay.status().refusals.replayed, 1);
    first.terminate();
  });

  it("remembers what a peer used while that peer was removed", async () => {
    await using a = await startNode(1);
    see(a, [peerOf(2, 1)]);
    const headers = headersAs(2, a);
    const dial = () => new WebSocket(`ws://127.0.0.1:${a.overlay.port}/`, [subprotocol], { headers });
    const first = dial();
    await once(first, "open");
    const closed = once(first, "close");
    see(a, []);
    await closed;
    see(a, [peerOf(2, 1)]);
    await assert.rejects(once(dial(), "open"), /401/);
  });

  it("answers a plain request with 426", async () => {
    await using a = await startNode(1);
    const response = await fetch(`http://127.0.0.1:${a.overlay.port}/`);
    assert.equal(response.status, 426);
    assert.equal(response.headers.get("sec-websocket-protocol"), subprotocol);
  });

  it("holds few sockets that say nothing, gives up the oldest, and lets peers in meanwhile", async () => {
    await using a = await startNode(1, { limits: { strangersMax: 3 } });
    see(a, [peerOf(2, 1)]);
    const silent: Socket[] = [];
    const closed: number[] = [];
    for (let i = 0; i < 5; i++) {
      const socket = connect(a.overlay.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("close", () => closed.push(i));
      await once(socket, "connect");
      silent.push(socket);
    }
    await using peer = await dialAs(2, a);
    assert.equal(peer.websocket.readyState, WebSocket.OPEN);
    await until(() => closed.length === 3, "the oldest to be closed");
    assert.deepEqual(closed, [0, 1, 2]);
    for (const socket of silent) socket.destroy();
  });

  it("closes a socket that takes too long with its request", async () => {
    await using a = await startNode(1, { limits: { handshakeMs: 100 } });
    const socket = connect(a.overlay.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n");
    socket.resume();
    await once(socket, "close");
  });

  it("is gone with the overlay", async () => {
    const node = await startNode(1);
    see(node, [peerOf(2, 1)]);
    await using peer = await dialAs(2, node);
    const closed = once(peer.websocket, "close");
    await node[Symbol.asyncDispose]();
    assert.equal((await closed)[0], 1001);
    await assert.rejects(dialAs(2, node), /ECONNREFUSED/);
  });

  it("says which port was not to be had", async () => {
    await using a = await startNode(1);
    await assert.rejects(startNode(2, { port: a.overlay.port }), { kind: "failed-precondition", message: /EADDRINUSE/ });
  });
});
