/* What runs in the pods of test/netns/overlay.test.ts: `overlay-traffic.ts serve | tcp ADDRESS BYTES | udp ADDRESS | bursts ADDRESS |
 * chat ADDRESS | flood ADDRESS | flows ADDRESS COUNT | stream ADDRESS`. Each prints one JSON line for each thing that happened. */

import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const sinkPort = 7000;
const echoPort = 7001;
const udpSizes = [1, 2, 100, 1400, 1472, 1473, 9000, 32_768, 65_507];

async function serve(): Promise<void> {
  // Answers the hash of all that came, and from where it came.
  const sink = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha256");
    socket.on("data", (chunk) => hash.update(chunk));
    socket.on("end", () => socket.end(JSON.stringify({ sha256: hash.digest("hex"), from: socket.remoteAddress })));
  });
  const echo = createServer((socket) => {
    socket.pipe(socket);
    socket.on("error", () => socket.destroy());
  });
  const udp = createSocket("udp4");
  udp.on("message", (message, { address, port }) => udp.send(message, port, address));
  sink.listen(sinkPort, "0.0.0.0");
  echo.listen(echoPort, "0.0.0.0");
  udp.bind(sinkPort, "0.0.0.0");
  await Promise.all([once(sink, "listening"), once(echo, "listening"), once(udp, "listening")]);
  print({ ready: true });
}

async function tcp(address: string, bytes: number): Promise<void> {
  const socket = connect({ host: address, port: sinkPort, allowHalfOpen: true });
  const payload = randomBytes(bytes);
  socket.end(payload);
  const answer: Buffer[] = [];
  for await (const chunk of socket) answer.push(chunk as Buffer);
  const { sha256, from } = JSON.parse(Buffer.concat(answer).toString()) as { sha256: string; from: string };
  print({ intact: sha256 === createHash("sha256").update(payload).digest("hex"), from });
}

async function udp(address: string): Promise<void> {
  const socket = createSocket("udp4");
  for (const size of udpSizes) {
    const payload = randomBytes(size);
    const answer = once(socket, "message", { signal: AbortSignal.timeout(5000) });
    socket.send(payload, sinkPort, address);
    const [message] = (await answer) as [Buffer];
    print({ size, intact: message.equals(payload) });
  }
  socket.close();
}

/** Many datagrams at once, each with its own content; the answers come in the same order. */
async function bursts(address: string): Promise<void> {
  const socket = createSocket("udp4");
  const count = 50;
  for (const size of [1, 64, 1400]) {
    let intact = true;
    for (let round = 0; round < 20; round++) {
      const payloads = Array.from({ length: count }, () => randomBytes(size));
      const answers: Buffer[] = [];
      const all = new Promise<void>((resolve, reject) => {
        const tooLong = setTimeout(() => reject(new Error(`${answers.length} of ${count} answers`)), 5000);
        socket.on("message", (message) => {
          if (answers.push(message) < count) return;
          clearTimeout(tooLong);
          socket.removeAllListeners("message");
          resolve();
        });
      });
      for (const payload of payloads) socket.send(payload, sinkPort, address);
      await all;
      intact &&= answers.every((answer, i) => answer.equals(payloads[i] as Buffer));
    }
    print({ size, intact });
  }
  socket.close();
}

/** One connection, a number on it every 10 ms, and each that comes back is printed. */
async function chat(address: string): Promise<void> {
  const socket = connect({ host: address, port: echoPort, noDelay: true });
  socket.on("error", (error) => print({ error: error.message }));
  socket.on("close", () => print({ closed: true }));
  socket.on("data", (chunk) => print({ echoed: Number(chunk.toString().trim().split("\n").at(-1)) }));
  await once(socket, "connect");
  for (let count = 1; !socket.destroyed; count++) {
    socket.write(`${count}\n`);
    await sleep(10);
  }
}

/** Some 50 Mbit/s to a port where nobody listens: fills any buffer soon, and leaves the machine to the others. */
async function flood(address: string): Promise<void> {
  const socket = createSocket("udp4");
  const payload = Buffer.alloc(1400);
  print({ ready: true });
  for (;;) {
    for (let i = 0; i < 5; i++) socket.send(payload, 9, address, () => {});
    await sleep(1);
  }
}

/** So many connections open at the same time, a word on each there and back. */
async function flows(address: string, count: number): Promise<void> {
  const sockets = [];
  // A few at a time: a listener's queue is short.
  for (let opened = 0; opened < count; opened += flowsAtOnce) {
    const some = Array.from({ length: Math.min(flowsAtOnce, count - opened) }, () => connect({ host: address, port: echoPort }));
    await Promise.all(some.map((socket) => once(socket, "connect")));
    sockets.push(...some);
  }
  const answers = sockets.map(async (socket, number) => {
    const answer = once(socket, "data");
    socket.write(`${number}`);
    return String(await answer) === `${number}`;
  });
  print({ open: sockets.length, intact: (await Promise.all(answers)).every(Boolean) });
  for (const socket of sockets) socket.destroy();
}

const flowsAtOnce = 100;

/** One connection as fast as it goes, every byte of it compared; prints how many came back so far, now and then. */
async function stream(address: string): Promise<void> {
  const socket = connect({ host: address, port: echoPort });
  const block = randomBytes(64 * 1024);
  let returned = 0;
  let told = 0;
  socket.on("error", (error) => print({ error: error.message }));
  socket.on("data", (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; ) {
      const from = (returned + at) % block.length;
      const length = Math.min(chunk.length - at, block.length - from);
      if (!chunk.subarray(at, at + length).equals(block.subarray(from, from + length))) print({ error: "changed" });
      at += length;
    }
    returned += chunk.length;
    if (returned - told > 1024 * 1024) {
      told = returned;
      print({ returned });
    }
  });
  for (;;) {
    // Into the socket's buffer at most, and no further ahead than that.
    if (!socket.write(block)) await once(socket, "drain");
  }
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

if (import.meta.main) {
  const [verb, address = "", bytes = "0"] = process.argv.slice(2);
  if (verb === "serve") await serve();
  else if (verb === "tcp") await tcp(address, Number(bytes));
  else if (verb === "udp") await udp(address);
  else if (verb === "bursts") await bursts(address);
  else if (verb === "chat") await chat(address);
  else if (verb === "flood") await flood(address);
  else if (verb === "flows") await flows(address, Number(bytes));
  else if (verb === "stream") await stream(address);
  else throw new Error(`unknown verb ${verb}`);
}
