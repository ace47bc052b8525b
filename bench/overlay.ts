/* One TCP stream between the same two pods, through plain kernel routing and through the overlay, in turns: the machine's mood
 * changes from minute to minute, so only neighbours are compared. Runs as root; makes its namespaces and removes them. */

import { once } from "node:events";
import { createLab, type LabAgent, type LabNode, runIn, spawnIn } from "../test/support/overlay-lab.ts";
import { until } from "../test/support/until.ts";
import { median, type Row } from "./row.ts";

const rounds = 5;
const secondsEach = 2;
const pings = 200;

export async function benchOverlay(): Promise<Row[]> {
  await using lab = await createLab(2);
  const [a, b] = [lab.node(0), lab.node(1)];
  const agents = [await lab.startAgent(a), await lab.startAgent(b)];
  for (const agent of agents) await until(() => isOpen(agent), "the tunnel to be open");

  const gigabits = { plain: [] as number[], overlay: [] as number[] };
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const way of ["plain", "overlay"] as const) {
      await lab.route(way);
      gigabits[way].push(await throughput(a, b));
    }
    ratios.push((gigabits.overlay[round] ?? 0) / (gigabits.plain[round] ?? 1));
  }
  await lab.route("plain");
  const plainMs = await roundTrip(a, b);
  await lab.route("overlay");
  const overlayMs = await roundTrip(a, b);
  return [
    { name: "TCP, one stream, plain routing", value: median(gigabits.plain), unit: "Gbit/s" },
    { name: "TCP, one stream, through the overlay", value: median(gigabits.overlay), unit: "Gbit/s" },
    {
      name: "ratio of the medians",
      value: median(gigabits.overlay) / median(gigabits.plain),
      unit: "",
      target: "≥ 0.25",
    },
    { name: "median of the rounds' ratios", value: median(ratios), unit: "" },
    { name: "ping pod to pod, plain routing", value: plainMs, unit: "ms" },
    { name: "ping pod to pod, through the overlay", value: overlayMs, unit: "ms" },
  ];
}

async function isOpen(agent: LabAgent): Promise<boolean> {
  const { peers } = await agent.status();
  return peers.every(({ tunnel }) => tunnel.state === "open");
}

/** In Gbit/s, as the receiver counts. */
async function throughput(from: LabNode, to: LabNode): Promise<number> {
  await using server = spawnIn(to.podNamespace, ["iperf3", "--server", "--one-off", "--forceflush"]);
  // It says that it listens before it does anything else.
  if (server.stdout !== null) await once(server.stdout, "data");
  const report = JSON.parse(
    await runIn(from.podNamespace, ["iperf3", "--client", to.podAddress, "--time", String(secondsEach), "--json"]),
  ) as {
    end: { sum_received: { bits_per_second: number } };
  };
  return report.end.sum_received.bits_per_second / 1e9;
}

/** In ms, the median of many. */
async function roundTrip(from: LabNode, to: LabNode): Promise<number> {
  const output = await runIn(from.podNamespace, ["ping", "-n", "-c", String(pings), "-i", "0.01", to.podAddress]);
  return median([...output.matchAll(/time=([0-9.]+) ms/g)].map(([, ms]) => Number(ms)));
}
