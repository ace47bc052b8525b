import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type DnsCounters, noDnsCounts } from "../../../node-agent/dns/counters.ts";
import type { Resolver } from "../../../node-agent/dns/resolver.ts";
import { serveDns, type TcpLimits } from "../../../node-agent/dns/server.ts";
import { until } from "../../support/until.ts";

const host = "127.0.0.1";

interface Opened extends AsyncDisposable {
  readonly port: number;
  readonly counters: DnsCounters;
}

async function open(answer: Resolver["answer"], limits: Partial<TcpLimits> = {}): Promise<Opened> {
  const counters = noDnsCounts();
  const port = await freePort();
  const usual = { connectionsMax: 10, idleMs: 5_000, messageBytesMax: 100, inFlightMax: 2, unreadBytesMax: 1 << 20 };
  const server = await serveDns({ host, port, resolver: { answer }, counters, limits: { ...usual, ...limits } });
  return { port, counters, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function framed(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(text.length);
      return Buffer.concat([length, Buffer.from(text)]);
    }),
  );
}

async function dial(
  port: number,
): Promise<{ readonly socket: Socket; readonly received: () => string; readonly closed: () => boolean }> {
  const socket = connect(port, host);
  const chunks: Buffer[] = [];
  let closed = false;
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  await once(socket, "connect");
  return { socket, received: () => Buffer.concat(chunks).toString("latin1"), closed: () => closed };
}

const shout: Resolver["answer"] = (message) => Buffer.from(message.toString().toUpperCase());

describe("the name server's sockets", () => {
  it("answer over UDP, at once or later, and not where there is no answer", async () => {
    const later: Resolver["answer"] = (message, transport) => {
      if (message.toString() === "none") return undefined;
      return message.toString() === "later" ? Promise.resolve(Buffer.from("LATER")) : Buffer.from(transport);
    };
    await using server = await open(later);
    const socket = createSocket("udp4");
    const received: string[] = [];
    socket.on("message", (message) => received.push(message.toString()));
    for (const text of ["none", "now", "later"]) socket.send(text, server.port, host);
    await until(() => received.length === 2, "two answers");
    socket.close();
    assert.deepEqual(received.toSorted(), ["LATER", "udp"]);
  });

  it("answer several messages of one connection, in whatever pieces they come", async () => {
    await using server = await open(shout);
    const { socket, received } = await dial(server.port);
    const bytes = framed("one", "two", "three");
    socket.setNoDelay(true);
    for (const byte of bytes) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.write(framed("four", "five"));
    const want = framed("ONE", "TWO", "THREE", "FOUR", "FIVE").toString("latin1");
    await until(() => received() === want, "five answers");
    socket.destroy();
  });

  it("have no more than some questions of one connection on their way", async () => {
    const waiting: (() => void)[] = [];
    await using server = await open(
      (message) => new Promise((resolve) => waiting.push(() => resolve(Buffer.from(message.toString().toUpperCase())))),
    );
    const { socket, received } = await dial(server.port);
    socket.write(framed("a", "b", "c", "d"));
    await until(() => waiting.length === 2, "two questions");
    waiting.shift()?.();
    await until(() => received() === framed("A").toString("latin1") && waiting.length === 2, "the third question");
    for (let left = 3; left > 0; left--) {
      await until(() => waiting.length > 0, "a question");
      waiting.shift()?.();
    }
    await until(() => received().length === framed("a", "b", "c", "d").length, "all answers");
    socket.destroy();
  });

  const drops: readonly (readonly [string, Partial<TcpLimits>, Buffer, keyof DnsCounters["tcp"]])[] = [
    ["says nothing for long", { idleMs: 50 }, Buffer.alloc(0), "idle"],
    ["begins a message and never ends it", { idleMs: 50 }, framed("abc").subarray(0, 3), "idle"],
    ["announces a message that is too long", {}, Buffer.from([0xff, 0xff]), "oversize"],
    ["does not read", { unreadBytesMax: 1_000 }, framed(...Array<string>(100).fill("long")), "stalled"],
  ];
  for (const [sentence, limits, bytes, why] of drops) {
    it(`end a connection that ${sentence}, and count it`, async () => {
      const long = Buffer.alloc(60_000);
      await using server = await open((message) => (message.toString() === "long" ? long : message), limits);
      const { socket, closed } = await dial(server.port);
      if (why === "stalled") socket.pause();
      socket.write(bytes);
      await until(() => server.counters.tcp[why] === 1, "the end to be counted");
      socket.resume();
      await until(closed, "the connection to end");
    });
  }

  it("end a connection whose message gets no answer", async () => {
    await using server = await open(() => undefined);
    const { socket, closed } = await dial(server.port);
    socket.write(framed("what"));
    await until(closed, "the connection to end");
  });

  it("make room for a new connection by ending the oldest", async () => {
    await using server = await open(shout, { connectionsMax: 2 });
    const first = await dial(server.port);
    const others = [await dial(server.port), await dial(server.port)];
    await until(first.closed, "the first to end");
    assert.equal(server.counters.tcp.evicted, 1);
    for (const { socket, received } of others) {
      socket.write(framed("hello"));
      await until(() => received() === framed("HELLO").toString("latin1"), "an answer");
      socket.destroy();
    }
  });

  it("leave nothing open where one of both can't be had", async () => {
    const port = await freePort();
    const taker = createServer().listen(port, host);
    await once(taker, "listening");
    const options = { host, port, resolver: { answer: shout }, counters: noDnsCounts() };
    await assert.rejects(serveDns(options), /EADDRINUSE/);
    await new Promise((resolve) => taker.close(resolve));
    await using _server = await serveDns(options);
  });
});
