/* What is told of the pods and the node, from what was read and what was known of the reading before. Pure.
 *
 * A pod is told of when each of its running containers has a rate. One that started not long ago has it from its start on; one that an
 * earlier agent started, from its second reading on. What a container used between its last reading and its end is not counted. */

import type { Usage as Reading } from "#kernel/usage.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { ContainerMetrics, NetworkUsage, PodMetrics, Usage } from "#proto/podwire/v1/metrics.ts";
import { type CpuCount, countCpu, nanoCores } from "./cpu-count.ts";

export interface NodeReading {
  readonly nodeName: string;
  /** Monotonic. */
  readonly atMs: number;
  /** RFC 3339. */
  readonly timestamp: string;
  readonly agent: Reading;
  readonly pods: readonly PodReading[];
}

export interface PodReading {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly network: NetworkUsage | undefined;
  /** Those that run. */
  readonly containers: readonly ContainerReading[];
}

export interface ContainerReading extends Reading {
  readonly name: string;
  /** Another for each run. */
  readonly run: string;
  readonly ageMs: number;
}

/** What the next measurement begins from. */
export interface Counts {
  readonly agent: CpuCount;
  /** All that was used on the node since its agent began, be it by what has ended since. */
  readonly node: CpuCount;
  readonly containers: ReadonlyMap<string, CpuCount>;
}

export interface Measured {
  readonly counts: Counts;
  /** Undefined where there is nothing to compare with. */
  readonly measurement: Omit<Measurement, "links" | "endpoints"> | undefined;
}

export function measure(before: Counts | undefined, reading: NodeReading): Measured {
  const { nodeName, atMs, timestamp, agent } = reading;
  const pods = reading.pods.map((pod) => ({
    pod,
    containers: pod.containers.map((container) => step(before, container, atMs)),
  }));
  const steps = pods.flatMap(({ containers }) => containers);
  const agentCount = countCpu(before?.agent, { atMs, ...agent });
  const usedSeconds = agentCount.seconds - (before?.agent.seconds ?? 0) + sum(steps.map((one) => one.usedSeconds));
  const counts: Counts = {
    agent: agentCount,
    node: countCpu(before?.node, { atMs, cpuSeconds: (before?.node.seconds ?? 0) + usedSeconds }),
    containers: new Map(steps.map(({ container, count }) => [container.run, count])),
  };
  if (before === undefined) return { counts, measurement: undefined };
  const workingSetBytes = sum([agent, ...steps.map(({ container }) => container)].map((one) => one.workingSetBytes));
  const node = usageOf(before.node, counts.node, workingSetBytes);
  if (node === undefined) return { counts, measurement: undefined };
  return {
    counts,
    measurement: {
      node: { name: nodeName, timestamp, windowMs: Math.round(atMs - before.node.atMs), usage: node },
      pods: pods.flatMap(({ pod, containers }) => podMetricsOf(pod, containers, timestamp)),
    },
  };
}

interface Step {
  readonly container: ContainerReading;
  /** Undefined where nothing is known of what was before. */
  readonly before: CpuCount | undefined;
  readonly count: CpuCount;
  readonly usedSeconds: number;
}

function step(counts: Counts | undefined, container: ContainerReading, atMs: number): Step {
  const before = counts?.containers.get(container.run) ?? startOf(counts, container, atMs);
  const count = countCpu(before, { atMs, cpuSeconds: container.cpuSeconds });
  return { container, before, count, usedSeconds: before === undefined ? 0 : count.seconds - before.seconds };
}

/** Of a container that is too young to have been read before. */
function startOf(counts: Counts | undefined, { ageMs }: ContainerReading, atMs: number): CpuCount | undefined {
  const isYoung = counts !== undefined && ageMs < 2 * (atMs - counts.node.atMs);
  return isYoung ? { atMs: atMs - ageMs, readSeconds: 0, seconds: 0 } : undefined;
}

function podMetricsOf({ namespace, name, uid, network }: PodReading, steps: readonly Step[], timestamp: string): PodMetrics[] {
  const containers = steps.flatMap(({ container, before, count }): ContainerMetrics[] => {
    const usage = before && usageOf(before, count, container.workingSetBytes);
    return usage === undefined ? [] : [{ name: container.name, usage }];
  });
  if (containers.length === 0 || containers.length < steps.length) return [];
  const windowMs = Math.round(Math.max(...steps.map(({ before, count }) => count.atMs - (before?.atMs ?? count.atMs))));
  return [{ namespace, name, uid, timestamp, windowMs, containers, network }];
}

function usageOf(before: CpuCount, now: CpuCount, workingSetBytes: number): Usage | undefined {
  const usageNanoCores = nanoCores(before, now);
  return usageNanoCores === undefined ? undefined : { usageNanoCores, usageCoreSeconds: now.seconds, workingSetBytes };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
