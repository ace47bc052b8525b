/* Traffic that runs in pods by itself, so that it tells what happened while no control plane and no agent was there to ask. It
 * speaks through the pods' logs. */

import assert from "node:assert/strict";
import type { Cluster } from "./cluster.ts";
import { nodeInPod, type PodSketch, podOf } from "./pod-manifests.ts";
import { until } from "./until.ts";

type Place = Omit<PodSketch, "command" | "args">;

export const pingIntervalMs = 20;
const echoIntervalMs = 20;

/** Pings an address without end. */
export function pinger(place: Place, address: string): object {
  return podOf({ ...place, command: ["ping", "-n", "-i", String(pingIntervalMs / 1000), address] });
}

/** Echoes what a TCP connection says, on port 7000. */
export function echoServer(place: Place): object {
  const script =
    "require('net').createServer((s) => { s.setNoDelay(); s.on('error', () => {}); s.pipe(s) }).listen(7000, '0.0.0.0')";
  return podOf({ ...place, command: [nodeInPod, "-e", script] });
}

/** One TCP connection to an echo server, on which it sends a number every few milliseconds, and prints each that comes back. */
export function echoClient(place: Place, address: string): object {
  const script = `
    const socket = require('net').connect(7000, '${address}', () => {
      let n = 0;
      setInterval(() => socket.write(String(n++) + '\\n'), ${echoIntervalMs});
    });
    socket.setNoDelay();
    let text = '';
    socket.on('data', (chunk) => {
      const lines = (text + chunk).split('\\n');
      text = lines.pop();
      for (const line of lines) console.log(line, Math.round(performance.now()));
    });
    for (const end of ['error', 'close']) socket.on(end, (error) => { console.log('connection', end, error); });
  `;
  return podOf({ ...place, command: [nodeInPod, "-e", script] });
}

export interface PingRecord {
  readonly answered: number;
  /** Between the first answer and the last. */
  readonly lost: number;
  readonly slowestMs: number;
}

export function readPings(log: string): PingRecord {
  const answers = [...log.matchAll(/icmp_seq=([0-9]+) ttl=[0-9]+ time=([0-9.]+) ms/g)];
  const seen = new Set(answers.map(([, sequence]) => Number(sequence)));
  assert.notEqual(seen.size, 0, `no ping was answered: ${log.slice(0, 500)}`);
  const span = Math.max(...seen) - Math.min(...seen) + 1;
  return { answered: seen.size, lost: span - seen.size, slowestMs: Math.max(...answers.map(([, , time]) => Number(time))) };
}

export interface EchoRecord {
  readonly count: number;
  /** Every number came once and in order. */
  readonly inOrder: boolean;
  /** The longest time between two echoes. */
  readonly longestGapMs: number;
  /** How the connection ended, or "". */
  readonly end: string;
}

export function readEchoes(log: string): EchoRecord {
  const echoes = [...log.matchAll(/^([0-9]+) ([0-9]+)$/gm)].map(([, n, atMs]) => ({ n: Number(n), atMs: Number(atMs) }));
  const gaps = echoes.slice(1).map(({ atMs }, i) => atMs - (echoes[i]?.atMs ?? 0));
  return {
    count: echoes.length,
    inOrder: echoes.every(({ n }, i) => n === i),
    longestGapMs: Math.max(0, ...gaps),
    end: /^connection .*$/m.exec(log)?.[0] ?? "",
  };
}

/** Waits until the pod's log has `count` more answers than it has now. */
export async function moreAnswers(cluster: Cluster, pod: string, count: number): Promise<void> {
  const lines = async () => (await cluster.run("logs", pod)).split("\n").length;
  const wanted = (await lines()) + count;
  await until(async () => (await lines()) >= wanted, `${count} more lines in the log of ${pod}`);
}
