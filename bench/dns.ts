/* A node's name server under dnsperf's load, which costs a tenth of what a generator in JavaScript would: both share the machine. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { median, type Row } from "./row.ts";

const serviceCount = 1_000;
const endpointCount = 10;
const seconds = 5;
const ratePerSecond = 12_000;

interface ServerFigures {
  readonly port: number;
  readonly wholeMs: number;
  readonly changesMs: readonly number[];
}

export async function benchDns(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "podwire-bench-dns-"));
  const questions = join(folder, "questions");
  writeFileSync(questions, questionLines().join("\n"));
  const argv = [join(import.meta.dirname, "dns-server.ts"), String(serviceCount), String(endpointCount)];
  const server = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const { port, wholeMs, changesMs } = JSON.parse(line.toString()) as ServerFigures;
    const load = (...more: readonly string[]) =>
      dnsperf(["-s", "127.0.0.1", "-p", String(port), "-d", questions, "-l", String(seconds), "-e", ...more]);
    await load("-Q", "2000");
    const most = await load("-c", "4", "-q", "50");
    const paced = latencies(await load("-c", "8", "-Q", String(ratePerSecond), "-v"));
    const tcp = await load("-m", "tcp", "-c", "8", "-q", "50");
    return [
      { name: "zone of 1,000 Services of 10 endpoints, from nothing", value: wholeMs, unit: "ms" },
      { name: "one changed Service of them", value: median(changesMs), unit: "ms" },
      { name: "most queries over UDP", value: figure(most, /Queries per second: +([0-9.]+)/), unit: "/s", target: "≥ 10,000" },
      { name: "most queries over TCP", value: figure(tcp, /Queries per second: +([0-9.]+)/), unit: "/s" },
      { name: "latency at 12,000 queries/s, p50", value: paced.p50, unit: "ms" },
      { name: "latency at 12,000 queries/s, p99", value: paced.p99, unit: "ms", target: "≤ 5" },
      {
        name: "lost in all",
        value: [most, paced.output, tcp].reduce((sum, one) => sum + figure(one, /lost: +([0-9]+)/), 0),
        unit: "queries",
      },
    ];
  } finally {
    server.kill("SIGTERM");
    rmSync(folder, { recursive: true });
  }
}

async function dnsperf(argv: readonly string[]): Promise<string> {
  const child = spawn("dnsperf", argv, { stdio: ["ignore", "pipe", "inherit"] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`dnsperf ended with ${code}`);
  return output;
}

/** From `> NOERROR name type seconds`, a line for each answer. */
function latencies(output: string): { readonly output: string; readonly p50: number; readonly p99: number } {
  const ms = [...output.matchAll(/^> .* ([0-9.]+)$/gm)].map(([, seconds]) => Number(seconds) * 1000).toSorted((a, b) => a - b);
  const at = (share: number) => ms[Math.floor(ms.length * share)] ?? Number.NaN;
  return { output, p50: at(0.5), p99: at(0.99) };
}

function figure(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1]);
}

/** As pods ask: addresses of both families, what the search path makes of them, and a port. */
function questionLines(): string[] {
  return Array.from({ length: serviceCount }, (_, i) => {
    const name = `service-${(i * 7919) % serviceCount}.shop`;
    const pair = (full: string) => [`${full} A`, `${full} AAAA`];
    return [
      ...pair(`${name}.shop.svc.cluster.local`),
      ...pair(`${name}.svc.cluster.local`),
      `_http._tcp.${name}.svc.cluster.local SRV`,
    ];
  }).flat();
}
