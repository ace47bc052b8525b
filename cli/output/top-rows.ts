/* What `top` prints, as kubectl has it: processor time in thousandths of a core, rounded up, memory in whole MiB, rounded down. Pure. */

import { parseQuantity } from "#core/quantity.ts";
import type { ContainerMetrics, NodeMetrics, PodMetrics, Usage } from "#proto/podwire/v1/metrics.ts";
import type { Node } from "#proto/podwire/v1/resources.ts";

export type SortBy = "cpu" | "memory";

export interface TopTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface PodsLayout {
  /** A line for each container. */
  readonly containers: boolean;
  readonly withNamespace: boolean;
  /** A last line with what all use together. */
  readonly sum: boolean;
  /** What went to each pod by Services, and over its network since it began. Not of containers. */
  readonly traffic: boolean;
  /** By name where it is absent; else the largest first. */
  readonly sortBy?: SortBy | undefined;
}

interface Used {
  readonly milliCores: number;
  readonly bytes: number;
}

export function podsTable(
  pods: readonly PodMetrics[],
  { containers, withNamespace, sum, traffic, sortBy }: PodsLayout,
): TopTable {
  const names = [...(withNamespace ? ["NAMESPACE"] : []), ...(containers ? ["POD"] : []), "NAME"];
  const measured = pods.map((pod) => ({
    pod,
    path: `${withNamespace ? pod.namespace : ""}/${pod.name}`,
    used: total(pod.containers),
  }));
  const sorted = inOrder(measured, sortBy, ({ path }) => path);
  const rows = sorted.flatMap(({ pod, used }) => {
    const where = withNamespace ? [pod.namespace] : [];
    if (!containers) return [[...where, pod.name, ...cellsOf(used), ...(traffic ? trafficCells([pod]) : [])]];
    const parts = pod.containers.map((one) => ({ name: one.name, used: usedOf(one.usage) }));
    return inOrder(parts, sortBy, ({ name }) => name).map((part) => [...where, pod.name, part.name, ...cellsOf(part.used)]);
  });
  const blank = names.map(() => "");
  const more = traffic ? trafficTitles : [];
  const sums = [
    [...blank, ...["CPU", "MEMORY", ...more].map(() => "________")],
    [...blank, ...cellsOf(total(pods.flatMap((pod) => pod.containers))), ...(traffic ? trafficCells(pods) : [])],
  ];
  return { titles: [...names, "CPU(cores)", "MEMORY(bytes)", ...more], rows: sum ? [...rows, ...sums] : rows };
}

/** Nodes without metrics come last. */
export function nodesTable(metrics: readonly NodeMetrics[], nodes: readonly Node[], sortBy: SortBy | undefined): TopTable {
  const nodeOf = new Map(nodes.map((node) => [node.metadata?.name ?? "", node]));
  const measured = metrics.map(({ name, usage }) => ({ name, used: usedOf(usage) }));
  const known = inOrder(measured, sortBy, ({ name }) => name).map(({ name, used }) => {
    const { cpu, memory } = nodeOf.get(name)?.status?.allocatable ?? {};
    const [cores, bytes] = cellsOf(used);
    return [name, cores, percentOf(used.milliCores / 1_000, cpu), bytes, percentOf(used.bytes, memory)];
  });
  const names = new Set(metrics.map(({ name }) => name));
  const unknown = [...nodeOf.keys()].filter((name) => !names.has(name)).sort();
  return {
    titles: ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
    rows: [...known, ...unknown.map((name) => [name, ...Array<string>(4).fill("<unknown>")])],
  };
}

const trafficTitles = ["REQUESTS/s", "CONNECTIONS/s", "RECEIVED(bytes)", "SENT(bytes)"];

/** The sum of what is known of them. */
function trafficCells(pods: readonly PodMetrics[]): string[] {
  const add = (of: (pod: PodMetrics) => number | undefined, print: (sum: number) => string) => {
    const known = pods.map(of).filter((value) => value !== undefined);
    return known.length === 0 ? "<unknown>" : print(known.reduce((sum, value) => sum + value, 0));
  };
  const mebibytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)}Mi`;
  return [
    add(
      ({ requestsPerSecond }) => requestsPerSecond,
      (rate) => rate.toFixed(1),
    ),
    add(
      ({ connectionsPerSecond }) => connectionsPerSecond,
      (rate) => rate.toFixed(1),
    ),
    add(({ network }) => network?.rxBytes, mebibytes),
    add(({ network }) => network?.txBytes, mebibytes),
  ];
}

function usedOf(usage: Usage | undefined): Used {
  return { milliCores: Math.ceil((usage?.usageNanoCores ?? 0) / 1e6), bytes: usage?.workingSetBytes ?? 0 };
}

/** Rounded as a whole, not each. */
function total(containers: readonly ContainerMetrics[]): Used {
  const add = (of: (usage: Usage) => number) =>
    containers.reduce((sum, { usage }) => sum + (usage === undefined ? 0 : of(usage)), 0);
  return {
    milliCores: Math.ceil(add(({ usageNanoCores }) => usageNanoCores) / 1e6),
    bytes: add(({ workingSetBytes }) => workingSetBytes),
  };
}

function inOrder<T extends { readonly used: Used }>(
  items: readonly T[],
  sortBy: SortBy | undefined,
  nameOf: (item: T) => string,
): T[] {
  const key = sortBy === "cpu" ? "milliCores" : "bytes";
  return items.toSorted((a, b) => {
    const difference = sortBy === undefined ? 0 : b.used[key] - a.used[key];
    return difference || (nameOf(a) < nameOf(b) ? -1 : 1);
  });
}

function cellsOf({ milliCores, bytes }: Used): [cores: string, memory: string] {
  return [`${milliCores}m`, `${Math.floor(bytes / 2 ** 20)}Mi`];
}

function percentOf(used: number, allocatable: string | undefined): string {
  const of = allocatable === undefined ? 0 : Number(parseQuantity(allocatable)) / 1e9;
  return of === 0 ? "<unknown>" : `${Math.floor((used / of) * 100)}%`;
}
