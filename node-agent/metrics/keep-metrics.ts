/* Reads what the node's pods, its agent and its tunnels use, again and again, and tells the control plane. */

import { type Clock, timestamp } from "#core/clock.ts";
import type { Containers } from "#kernel/containers.ts";
import type { DeviceCounters } from "#kernel/device-counters.ts";
import type { RunningContainer, UsageReader } from "#kernel/usage.ts";
import type { Logger } from "#process/log.ts";
import type { Measurement } from "#proto/podwire/v1/agent.ts";
import type { LinkMetrics, NetworkUsage } from "#proto/podwire/v1/metrics.ts";
import { containerFolder, containerNames } from "../pods/container-folders.ts";
import type { HeldPod } from "../pods/pod-manager.ts";
import { type Counts, measure, type NodeReading } from "./measurement.ts";

/** Long enough that a hundredth of a second, as /proc counts, is two thousandths of a core; an autoscaler looks every 15 s. */
const intervalMs = 5_000;

export interface KeepMetricsOptions {
  readonly nodeName: string;
  /** At this moment. */
  readonly pods: () => readonly HeldPod[];
  readonly containers: Containers;
  readonly usage: UsageReader;
  /** At this moment. */
  readonly links: () => LinkMetrics[];
  readonly send: (measurement: Measurement) => void;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Until the signal aborts. */
export async function keepMetrics(options: KeepMetricsOptions): Promise<void> {
  const { links, send, clock, log, signal } = options;
  let counts: Counts | undefined;
  while (!signal.aborted) {
    try {
      const measured = measure(counts, readNode(options));
      counts = measured.counts;
      if (measured.measurement !== undefined) send({ ...measured.measurement, links: links() });
    } catch (error) {
      log.warn({ err: error }, "what the pods use could not be read");
    }
    await clock.sleep(intervalMs, signal).catch(() => {});
  }
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
