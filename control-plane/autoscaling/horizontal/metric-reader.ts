/* Where autoscalers have their numbers from: what nodes measured last. */

import { endpointSliceKind } from "#core/objects/endpoint-slice.ts";
import { serviceNameLabel } from "#core/services/labels.ts";
import type { PodMetrics } from "#proto/podwire/v1/metrics.ts";
import type { NewestMetrics } from "../../metrics/newest.ts";
import { listObjects } from "../../state/objects.ts";
import type { Store } from "../../store/store.ts";
import type { MetricReader } from "./measure.ts";
import type { Sample } from "./pod-groups.ts";

/** Of pods and of Services: what came to them through Services, by the counters of the nodes that sent it. */
export const trafficMetrics = {
  requests_per_second: "requestsPerSecond",
  connections_per_second: "connectionsPerSecond",
} as const;

export interface ReaderContext {
  readonly store: Store;
  readonly metrics: NewestMetrics;
  readonly namespace: string;
  readonly nowMs: number;
}

export function createMetricReader({ store, metrics, namespace, nowMs }: ReaderContext): MetricReader {
  const rateOf = (name: string) =>
    Object.hasOwn(trafficMetrics, name) ? trafficMetrics[name as keyof typeof trafficMetrics] : undefined;
  return {
    resource(pod, name, container) {
      const measured = metrics.pod(pod.spec?.nodeName ?? "", pod.metadata?.uid ?? "");
      return measured && sampleOf(measured, name, container);
    },
    pod(pod, name) {
      const rate = rateOf(name);
      if (rate === undefined) return undefined;
      const address = pod.status?.podIP ?? "";
      if (address === "") return "missing";
      return { milli: metrics.rates(address)[rate] * 1_000, atMs: nowMs, windowMs: 0 };
    },
    object({ kind, name: service }, name) {
      const rate = rateOf(name);
      if (rate === undefined || kind !== "Service") return undefined;
      const slices = listObjects(store, endpointSliceKind, namespace).filter(
        ({ object }) => object.metadata?.labels[serviceNameLabel] === service,
      );
      if (slices.length === 0) return undefined;
      // One that stands in several slices counts once.
      const perSecond = new Map<string, number>();
      for (const { object: slice } of slices) {
        for (const address of slice.endpoints.flatMap(({ addresses }) => addresses)) {
          for (const { port } of slice.ports) perSecond.set(`${address}:${port}`, metrics.rates(address, port)[rate]);
        }
      }
      return [...perSecond.values()].reduce((sum, one) => sum + one, 0) * 1_000;
    },
  };
}

function sampleOf(measured: PodMetrics, name: string, only: string | undefined): Sample | undefined {
  const containers = measured.containers.filter((container) => only === undefined || container.name === only);
  if (containers.length === 0) return undefined;
  const milli = containers.reduce(
    (sum, { usage }) =>
      sum + (name === "cpu" ? Math.ceil((usage?.usageNanoCores ?? 0) / 1e6) : (usage?.workingSetBytes ?? 0) * 1_000),
    0,
  );
  return { milli, atMs: Date.parse(measured.timestamp), windowMs: measured.windowMs };
}
