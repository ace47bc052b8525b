/* What all containers of autoscalers' pods have used, in memory only: it begins anew with the control plane. The real recommender keeps
 * checkpoints of it in the API; here a cluster rarely lives for the days that would make them worth it. Until something is known again a
 * status stays as it was, and the bounds of a new history are so wide that nobody is evicted.
 *
 * It is bounded by what is there: it forgets targets that no autoscaler has, pods that are gone, and containers that no pod has any more. */

import { parseQuantity, quantityProblem } from "#core/quantity.ts";
import type { PodMetrics } from "#proto/podwire/v1/metrics.ts";
import type { Pod } from "#proto/podwire/v1/resources.ts";
import type { Target } from "./targets.ts";
import { type ContainerUsage, type MemoryPeak, withUsage } from "./usage.ts";

export interface UsageBook {
  /** Notes what a pod was measured to use; a measurement that was noted before is left out. */
  note(target: Target, pod: Pod, measured: PodMetrics, atDays: number): void;
  /** By container. */
  of(target: Target): ReadonlyMap<string, ContainerUsage>;
  /** By the pods that each target has now. A target without pods keeps what is known of it. */
  keepOnly(pods: ReadonlyMap<Target, readonly Pod[]>): void;
}

export function createUsageBook(): UsageBook {
  const targets = new Map<Target, Map<string, ContainerUsage>>();
  /** By pod, then by container. */
  const peaks = new Map<string, Map<string, MemoryPeak>>();
  const noted = new WeakSet<PodMetrics>();
  return {
    note(target, pod, measured, atDays) {
      if (noted.has(measured)) return;
      noted.add(measured);
      const usage = entryOf(targets, target);
      const podPeaks = entryOf(peaks, pod.metadata?.uid ?? "");
      for (const { name = "", resources } of pod.spec?.containers ?? []) {
        const used = measured.containers.find((container) => container.name === name)?.usage;
        if (used === undefined) continue;
        const learnt = withUsage(usage.get(name), podPeaks.get(name), {
          cores: used.usageNanoCores / 1e9,
          requestedCores: coresOf(resources?.requests.cpu),
          bytes: used.workingSetBytes,
          atDays,
        });
        usage.set(name, learnt.usage);
        podPeaks.set(name, learnt.peak);
      }
    },
    of: (target) => targets.get(target) ?? new Map(),
    keepOnly(pods) {
      const uids = new Set([...pods.values()].flat().map(({ metadata }) => metadata?.uid ?? ""));
      for (const uid of peaks.keys()) if (!uids.has(uid)) peaks.delete(uid);
      for (const [target, usage] of targets) {
        const ofTarget = pods.get(target);
        if (ofTarget === undefined) targets.delete(target);
        if (ofTarget === undefined || ofTarget.length === 0) continue;
        const names = new Set(ofTarget.flatMap(({ spec }) => (spec?.containers ?? []).map(({ name }) => name)));
        for (const name of usage.keys()) if (!names.has(name)) usage.delete(name);
      }
    },
  };
}

function entryOf<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const found = maps.get(key) ?? new Map<string, T>();
  maps.set(key, found);
  return found;
}

function coresOf(request: string | undefined): number {
  return request === undefined || quantityProblem(request) !== undefined ? 0 : Number(parseQuantity(request)) / 1e9;
}
