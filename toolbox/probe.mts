/* toolbox probe: reads {"targets": [{"name", "address", "port", "checks"}]} from standard input, and prints a line of JSON for
 * each check as it is done, after one about itself. `podwire verify` runs it in pods and on nodes. */

import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { connect, createServer } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { setTimeout as sleepFor } from "node:timers/promises";

export type Check = "tcp" | "udp" | "icmp" | "tcp-bulk" | "udp-sizes" | "port-taken" | "nobody" | "refused" | "resolves";

export interface Target {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly checks: readonly Check[];
  /** What `address`, a name then, must resolve to. */
  readonly expect?: readonly string[];
}

export type ProbeLine =
  | { readonly self: { readonly hostname: string; readonly addresses: readonly string[] } }
  | {
      readonly target: string;
      readonly check: Check;
      readonly ok: boolean;
      /** The source address as the target saw it, where the check tells. */
      readonly seenAs?: string;
      readonly evidence: string;
    };

const bulkBytes = 10 * 1024 * 1024;
const udpSizes = [1, 512, 1_372, 1_373, 9_000, 65_507];
const checkMs = 10_000;
const tryMs = 1_000;
const targetsAtOnce = 4;

export async function main(): Promise<void> {
  const { targets } = JSON.parse(await text(process.stdin)) as { targets: readonly Target[] };
  print({ self: { hostname: hostname(), addresses: ownAddresses() } });
  const waiting = [...targets];
  await Promise.all(
    Array.from({ length: targetsAtOnce }, async () => {
      for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
        for (const check of target.checks) await runCheck(target, check);
      }
    }),
  );
}

async function runCheck(target: Target, check: Check): Promise<void> {
  const startedMs = performance.now();
  const signal = AbortSignal.timeout(checkMs);
  try {
    const { evidence, seenAs } = await checks[check](target, signal);
    const took = `${(performance.now() - startedMs).toFixed(1)} ms`;
    print({
      target: target.name,
      check,
      ok: true,
      ...(seenAs === undefined ? {} : { seenAs }),
      evidence: `${evidence}, ${took}`,
    });
  } catch (error) {
    const silent = signal.aborted && error === signal.reason;
    const evidence = silent ? `no answer within ${checkMs / 1000} s` : error instanceof Error ? error.message : String(error);
    print({ target: target.name, check, ok: false, evidence });
  }
}

interface Outcome {
  readonly evidence: string;
  readonly seenAs?: string;
}

const checks: Readonly<Record<Check, (target: Target, signal: AbortSignal) => Promise<Outcome>>> = {
  async tcp(target, signal) {
    const { client } = await exchange(target, Buffer.from("x"), signal);
    return { seenAs: client, evidence: `connected, seen as ${client}` };
  },
  async "tcp-bulk"(target, signal) {
    const { client } = await exchange(target, randomBytes(bulkBytes), signal);
    return { seenAs: client, evidence: `${bulkBytes / 1024 / 1024} MiB there and back, sha256 equal` };
  },
  async udp(target, signal) {
    const { client } = JSON.parse((await datagram(target, Buffer.from("whoami"), signal)).toString()) as { client: string };
    return { seenAs: client, evidence: `answered, seen as ${client}` };
  },
  async "udp-sizes"(target, signal) {
    for (const size of udpSizes) {
      const payload = randomBytes(size);
      const answer = await datagram(target, payload, signal);
      if (!answer.equals(payload)) throw new Error(`a datagram of ${size} B came back changed`);
    }
    return { evidence: `${udpSizes.join(", ")} B there and back` };
  },
  /** Well where the prober itself can't listen there. */
  "port-taken"({ port }) {
    return new Promise((resolve, reject) => {
      const server = createServer();
      server.once("error", (error) => {
        if ("code" in error && error.code === "EADDRINUSE") resolve({ evidence: `port ${port} is in use` });
        else reject(error);
      });
      server.listen(port, () => server.close(() => reject(new Error(`port ${port} was free`))));
    });
  },
  /** Well where nothing answers there, whether somebody says so or not. */
  nobody({ address, port }, signal) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, signal, timeout: tryMs });
      socket.once("error", (error) => resolve({ evidence: "code" in error ? `${error.code}` : error.message }));
      socket.once("timeout", () => {
        socket.destroy();
        resolve({ evidence: `no answer within ${tryMs / 1000} s` });
      });
      socket.once("connect", () => {
        socket.destroy();
        reject(new Error(`something answers at ${address}`));
      });
    });
  },
  /** Well where the connection is refused, and not merely never answered. */
  refused({ address, port }, signal) {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, signal, timeout: tryMs });
      socket.once("error", (error) => {
        if ("code" in error && error.code === "ECONNREFUSED") resolve({ evidence: "refused" });
        else reject(error);
      });
      socket.once("timeout", () => {
        socket.destroy();
        reject(new Error(`no answer within ${tryMs / 1000} s`));
      });
      socket.once("connect", () => {
        socket.destroy();
        reject(new Error(`something answers at ${address}`));
      });
    });
  },
  /** Tried again until the name is known: endpoints take a moment to reach the name servers. */
  async resolves({ address, expect = [] }, signal) {
    for (;;) {
      const found = await lookup(address, { all: true, family: 4 }).then(
        (answers) => answers.map((answer) => answer.address).sort(),
        (error) => [String("code" in error ? error.code : error)],
      );
      if (found.join() === [...expect].sort().join()) return { evidence: `${address} is ${found.join(", ")}` };
      await sleepFor(50, undefined, { signal }).catch(() => {
        throw new Error(`${address} is ${found.join(", ")}, not ${expect.join(", ")}`);
      });
    }
  },
  icmp(target, signal) {
    return new Promise((resolve, reject) => {
      execFile("ping", ["-n", "-c", "1", "-w", String(checkMs / 1000 - 1), target.address], { signal }, (error, stdout) => {
        const time = /time=([0-9.]+ ms)/.exec(stdout)?.[1];
        if (error === null && time !== undefined) resolve({ evidence: `echo reply after ${time}` });
        else reject(new Error(error === null || stdout !== "" ? "no echo reply" : error.message));
      });
    });
  },
};

interface Answer {
  readonly client: string;
  readonly sha256: string;
}

/** Sends `payload` and has it back. The far end may still be starting: a refused connection is tried again. */
async function exchange(target: Target, payload: Buffer, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    try {
      return await exchangeOnce(target, payload, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ECONNREFUSED")) throw error;
      await sleepFor(50, undefined, { signal });
    }
  }
}

async function exchangeOnce({ address, port }: Target, payload: Buffer, signal: AbortSignal): Promise<Answer> {
  const socket = connect({ host: address, port, signal });
  socket.write(`${JSON.stringify({ bytes: payload.length })}\n`);
  socket.write(payload);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  const end = all.indexOf(0x0a);
  if (end < 0) throw new Error("the connection ended without an answer");
  const answer = JSON.parse(all.subarray(0, end).toString()) as Answer;
  const sent = createHash("sha256").update(payload).digest("hex");
  if (answer.sha256 !== sent) throw new Error("the payload arrived changed");
  if (!all.subarray(end + 1).equals(payload)) throw new Error("the payload came back changed");
  return answer;
}

/** UDP may lose a datagram: it is sent again each second until the check's time is over. */
function datagram({ address, port }: Target, payload: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024, sendBufferSize: 1024 * 1024 });
    const send = () => socket.send(payload);
    let again: NodeJS.Timeout | undefined;
    const finish = (settle: () => void) => {
      clearInterval(again);
      signal.removeEventListener("abort", stop);
      socket.close();
      settle();
    };
    const stop = () => finish(() => reject(signal.reason));
    signal.addEventListener("abort", stop, { once: true });
    // A port that nobody has opened yet answers with an ICMP error.
    socket.on("error", () => {});
    socket.on("message", (message) => finish(() => resolve(message)));
    // Connected: only the target's own datagrams count.
    socket.connect(port, address, () => {
      send();
      again = setInterval(send, tryMs);
    });
  });
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
}

function print(line: ProbeLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
