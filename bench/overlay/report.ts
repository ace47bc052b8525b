/* The figures of all rounds, as medians and as ratios to the kernel's VXLAN. Pure. */

import { median } from "../row.ts";

export interface Measure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  /** What the ratio to VXLAN should be. */
  readonly target?: string;
  readonly digits: number;
}

export const measures: readonly Measure[] = [
  { key: "tcp1", title: "TCP, one stream", unit: "Gbit/s", target: "≥ 0.7", digits: 2 },
  { key: "tcp4", title: "TCP, four streams", unit: "Gbit/s", target: "≥ 0.7", digits: 2 },
  { key: "udp64", title: "UDP of 64 B, flooded, received", unit: "packets/s", target: "≥ 0.9", digits: 0 },
  { key: "udp64Lossless", title: "UDP of 64 B with less than 1 % lost", unit: "packets/s", digits: 0 },
  { key: "udp1400", title: "UDP of 1,400 B, flooded, received", unit: "packets/s", target: "≥ 0.9", digits: 0 },
  { key: "udp1400Lossless", title: "UDP of 1,400 B with less than 1 % lost", unit: "packets/s", digits: 0 },
  { key: "roundTrip", title: "TCP round trip of 64 B, p50", unit: "µs", target: "≤ 1.5", digits: 0 },
  { key: "roundTripP99", title: "the same, p99", unit: "µs", digits: 0 },
  { key: "roundTripUnderLoad", title: "the same under one bulk flow, p50", unit: "µs", digits: 0 },
  { key: "secondPeerIdle", title: "round trip to a second peer, p50", unit: "µs", digits: 0 },
  { key: "secondPeerFlooded", title: "the same while the first is flooded, p50", unit: "µs", digits: 0 },
  { key: "cpuPerGigabyte", title: "processor time of the machine, one stream", unit: "s/GB", target: "≤ 2", digits: 2 },
];

/** By measure and way, a value of each round. */
export type Samples = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>;

export interface Figure {
  readonly unit: string;
  /** A median for each way. */
  readonly [way: string]: number | string;
  /** Podwire's, of the medians. */
  readonly ratioToVxlan: number;
}

export function figuresOf(samples: Samples, ways: readonly string[]): Record<string, Figure> {
  return Object.fromEntries(
    measures.map(({ key, unit }) => {
      const medians = ways.map((way): [string, number] => [way, median(samples.get(key)?.get(way) ?? [])]);
      const of = Object.fromEntries(medians);
      return [key, { unit, ...of, ratioToVxlan: (of.podwire ?? Number.NaN) / (of.vxlan ?? Number.NaN) }];
    }),
  );
}

export function renderFigures(figures: Readonly<Record<string, Figure>>, ways: readonly string[]): string {
  const head = ["", ...ways, "podwire / vxlan", "wanted"];
  const rows = measures.map(({ key, title, unit, target, digits }) => [
    `${title}, ${unit}`,
    ...ways.map((way) => numberText(figures[key]?.[way], digits)),
    numberText(figures[key]?.ratioToVxlan, 2),
    target ?? "",
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

function numberText(value: number | string | undefined, digits: number): string {
  return Number(value).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
