/* Reads what the node's pods, its agent and its tunnels use and what went to Services' endpoints, again and again, and tells the control
 * plane. */

import { type Clock, timestamp } from "#core/clock.ts";
import type { Containers } from "#kernel/containers.ts";
import type { DeviceCounters } from "#kernel/device-counters.ts";
import type { EndpointTraffic } from "#kernel/service-table.ts";
import type { RunningContainer, UsageReader } from "#kernel/usage.ts";
import type { Logger } from "#process/log.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { EndpointMetrics, LinkMetrics, NetworkUsage } from "#proto/podwire/v1/metrics.ts";
import { containerFolder, containerNames } from "../pods/container-folders.ts";
import type { HeldPod } from "../pods/pod-manager.ts";
import { endpointMetrics, type TrafficReading, trafficReading } from "./endpoint-metrics.ts";
import { type Counts, measure, type NodeReading } from "./measurement.ts";

/** Long enough that a hundredth of a second, as /proc counts, is two thousandths of a core; an autoscaler looks every 15 s. */
export const metricsIntervalMs = 5_000;

export interface KeepMetricsOptions {
  readonly nodeName: string;
  /** At this moment. */
  readonly pods: () => readonly HeldPod[];
  readonly containers: Containers;
  readonly usage: UsageReader;
  /** At this moment. */
  readonly links: () => LinkMetrics[];
  /** What went to Services' endpoints until now. */
  readonly readTraffic: (signal: AbortSignal) => Promise<readonly EndpointTraffic[]>;
  /** Until the next reading. */
  readonly intervalMs: () => number;
  readonly send: (measurement: Measurement) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Until the signal aborts. */
export async function keepMetrics(options: KeepMetricsOptions): Promise<void> {
  const { links, intervalMs, send, clock, log, signal } = options;
  const endpoints = followTraffic(options);
  let counts: Counts | undefined;
  while (!signal.aborted) {
    const moved = await endpoints();
    try {
      const measured = measure(counts, readNode(options));
      counts = measured.counts;
      if (measured.measurement !== undefined) send({ ...measured.measurement, links: links(), endpoints: moved });
    } catch (error) {
      log.warn({ err: error }, "what the pods use could not be read");
    }
    await clock.sleep(intervalMs(), signal).catch(() => {});
  }
}

/** Since it was asked before; nothing the first time, and where it can't be read. */
function followTraffic({ readTraffic, clock, log, signal }: KeepMetricsOptions): () => Promise<EndpointMetrics[]> {
  let before: TrafficReading | undefined;
  return async () => {
    try {
      const now = trafficReading(clock.monotonicMs(), await readTraffic(signal));
      const moved = before === undefined ? [] : endpointMetrics(before, now);
      before = now;
      return moved;
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, "what went to the endpoints of services could not be read");
      return [];
    }
  };
}

interface FoundContainer extends RunningContainer {
  readonly pod: HeldPod;
  readonly name: string;
  readonly startedAtMs: number;
}

function readNode({ nodeName, pods, containers, usage, clock }: KeepMetricsOptions): NodeReading {
  const held = pods();
  const running = held.flatMap((pod) => runningIn(pod, containers));
  const usages = usage.containers(running);
  const devices = usage.devices();
  const [atMs, wallMs] = [clock.monotonicMs(), clock.wallMs()];
  const byPod = Map.groupBy(running, ({ pod }) => pod);
  return {
    ...{ nodeName, atMs, timestamp: timestamp(clock), agent: usage.self() },
    pods: held.map((pod) => ({
      ...{ namespace: pod.namespace, name: pod.name, uid: pod.uid },
      network: pod.device === undefined ? undefined : seenFromInside(devices.get(pod.device)),
      containers: (byPod.get(pod) ?? []).flatMap(({ name, stateDir, startedAtMs }) => {
        const used = usages.get(stateDir);
        return used === undefined ? [] : [{ ...used, name, run: stateDir, ageMs: Math.max(0, wallMs - startedAtMs) }];
      }),
    })),
  };
}

function runningIn(pod: HeldPod, containers: Containers): FoundContainer[] {
  return containerNames(pod.folder).flatMap((name) => {
    const folder = containerFolder(pod.folder, name);
    const newest = folder.newest();
    if (newest === undefined) return [];
    const stateDir = folder.stateDir(newest);
    const state = containers.read(stateDir);
    return state.state === "running" ? [{ pod, name, stateDir, init: state.init, startedAtMs: state.startedAtMs }] : [];
  });
}

/** What the host's end sends, the pod receives. */
function seenFromInside(hostEnd: DeviceCounters | undefined): NetworkUsage | undefined {
  return hostEnd === undefined ? undefined : { rxBytes: hostEnd.txBytes, txBytes: hostEnd.rxBytes };
}
