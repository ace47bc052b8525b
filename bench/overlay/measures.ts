/* What is measured between two pods, by iperf3 and sockperf. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type LabNode, runIn, spawnIn } from "../../test/support/overlay-lab.ts";

export interface Between {
  readonly from: LabNode;
  readonly to: LabNode;
  /** TCP's congestion control. */
  readonly congestion: string;
}

const bulkSeconds = 2;
const floodSeconds = 1;
const searchSeconds = 0.5;
const pingSeconds = 1;
/** Beside a load there are few round trips in a second. */
const loadedPingSeconds = 4;
/** Halvings of the interval between nothing and the flood's rate. */
const searchSteps = 6;
const lossMax = 0.01;
const iperfPort = 5201;
const sockperfPort = 11_111;

export interface Bulk {
  readonly gigabitsPerSecond: number;
  /** Processor time of the whole machine, over what was received. */
  readonly cpuSecondsPerGigabyte: number;
}

export async function bulk(between: Between, streams: number): Promise<Bulk> {
  const busyBefore = busySeconds();
  const report = await iperf(between, [
    "--time",
    String(bulkSeconds),
    "--parallel",
    String(streams),
    "--congestion",
    between.congestion,
  ]);
  const busy = busySeconds() - busyBefore;
  const { bits_per_second: bits, bytes } = (report as { end: { sum_received: { bits_per_second: number; bytes: number } } }).end
    .sum_received;
  return { gigabitsPerSecond: bits / 1e9, cpuSecondsPerGigabyte: busy / (bytes / 1e9) };
}

/** Datagrams received in a second, of those that go out as fast as they can. */
export async function flood(between: Between, bytes: number): Promise<number> {
  const { packets, lost, seconds } = await datagrams(between, [
    "--bandwidth",
    "0",
    "--length",
    String(bytes),
    "--time",
    String(floodSeconds),
  ]);
  return (packets - lost) / seconds;
}

/** The highest rate that loses less than one in a hundred, in datagrams a second, to a few per cent of `most`. */
export async function losslessRate(between: Between, bytes: number, most: number): Promise<number> {
  let [low, high] = [0, most];
  for (let step = 0; step < searchSteps; step++) {
    const rate = (low + high) / 2;
    // iperf3 counts whole seconds only: so many datagrams, then.
    const count = Math.ceil(rate * searchSeconds);
    const pace = ["--bandwidth", String(Math.round(rate * bytes * 8)), "--length", String(bytes), "--blockcount", String(count)];
    const { packets, lost } = await datagrams(between, pace);
    if (packets > 0 && lost / packets < lossMax) low = rate;
    else high = rate;
  }
  return low;
}

async function datagrams(between: Between, args: readonly string[]) {
  const report = (await iperf(between, ["--udp", ...args, "--get-server-output"])) as UdpReport;
  const { packets, lost_packets: lost, seconds } = report.server_output_json.end.sum;
  return { packets, lost, seconds };
}

interface UdpReport {
  readonly server_output_json: {
    readonly end: { readonly sum: { readonly packets: number; readonly lost_packets: number; readonly seconds: number } };
  };
}

async function iperf({ from, to }: Between, args: readonly string[]): Promise<unknown> {
  await using server = spawnIn(to.podNamespace, [
    "iperf3",
    "--server",
    "--one-off",
    "--forceflush",
    "--json",
    "--port",
    String(iperfPort),
  ]);
  await listening(to, iperfPort);
  const client = ["iperf3", "--client", to.podAddress, "--port", String(iperfPort), "--json", ...args];
  const report = await runIn(from.podNamespace, client, { timeoutMs: 60_000 });
  if (server.exitCode === null) await once(server, "exit");
  return JSON.parse(report);
}

export interface RoundTrip {
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Of 64 bytes there and back over one connection. */
export async function roundTrip({ from, to }: Between, seconds = pingSeconds): Promise<RoundTrip> {
  await using _ = spawnIn(to.podNamespace, ["sockperf", "server", "--tcp", "-i", to.podAddress, "-p", String(sockperfPort)]);
  await listening(to, sockperfPort);
  const client = ["sockperf", "ping-pong", "--tcp", "-i", to.podAddress, "-p", String(sockperfPort)];
  const said = await runIn(from.podNamespace, [...client, "-m", "64", "-t", String(seconds), "--full-rtt"], {
    timeoutMs: 60_000,
  });
  return { p50Us: percentile(said, "50.000"), p99Us: percentile(said, "99.000") };
}

/** While `load` runs, which gets a signal for its end. */
export async function roundTripDuring(between: Between, load: (over: AbortSignal) => Promise<unknown>): Promise<RoundTrip> {
  const over = new AbortController();
  const loading = load(over.signal);
  try {
    return await roundTrip(between, loadedPingSeconds);
  } finally {
    over.abort();
    await loading;
  }
}

/** One TCP flow, or a flood of datagrams, until the signal aborts. */
export async function load({ from, to, congestion }: Between, kind: "tcp" | "udp", over: AbortSignal): Promise<void> {
  await using server = spawnIn(to.podNamespace, ["iperf3", "--server", "--one-off", "--forceflush", "--port", String(iperfPort)]);
  server.stdout?.resume();
  await listening(to, iperfPort);
  const flow = kind === "tcp" ? ["--congestion", congestion] : ["--udp", "--bandwidth", "0", "--length", "1400"];
  await using client = spawnIn(from.podNamespace, [
    "iperf3",
    "--client",
    to.podAddress,
    "--port",
    String(iperfPort),
    "--time",
    "60",
    ...flow,
  ]);
  client.stdout?.resume();
  if (!over.aborted) await once(over, "abort");
}

function percentile(said: string, which: string): number {
  const value = new RegExp(`percentile ${which.replace(".", "\\.")} *= *([0-9.]+)`).exec(said)?.[1];
  if (value === undefined) throw new Error(`sockperf told no percentile ${which}: ${said}`);
  return Number(value);
}

/** A program says that it listens in its own way, and the kernel always in the same. */
async function listening({ podNamespace }: LabNode, port: number): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  while ((await runIn(podNamespace, ["ss", "-Htln", `sport = :${port}`])) === "") {
    if (performance.now() > deadlineMs) throw new Error(`nobody listens at port ${port}`);
  }
}

/** Of all processors, since the machine's start. */
function busySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)
    .flatMap((line) => line.trim().split(/\s+/).slice(1).map(Number));
  const ticksPerSecond = 100;
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}

export function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
