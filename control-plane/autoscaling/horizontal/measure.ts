/* What one metric of an autoscaler says: how many pods it asks for, and what the status shows of it; or why nothing can be said. Pure. */

import { requestsOfContainer } from "#core/objects/pod-resources.ts";
import { formatQuantity, parseQuantity } from "#core/quantity.ts";
import type { MetricSpec, MetricStatus, MetricTarget, Pod } from "#proto/podwire/v1/resources.ts";
import { isReady } from "../../state/conditions.ts";
import { groupPods, type Patience, type Sample } from "./pod-groups.ts";
import { countByMean, countByShare, countByUtilization, countByValue, type Tolerance } from "./replica-count.ts";

/** What is known of pods and other objects. */
export interface MetricReader {
  /** What the pod uses of cpu (in cores) or memory (in bytes), in thousandths; of one container where it is named. */
  resource(pod: Pod, name: string, container: string | undefined): Sample | undefined;
  /** Undefined for a metric that there is not; "missing" where nothing is known of this pod. */
  pod(pod: Pod, metric: string): Sample | "missing" | undefined;
  /** In thousandths; undefined where there is no such metric or object. */
  object(described: { readonly kind: string; readonly name: string }, metric: string): number | undefined;
}

export interface MeasureInput {
  readonly pods: readonly Pod[];
  readonly currentReplicas: number;
  readonly tolerance: Tolerance;
  readonly patience: Patience;
  readonly nowMs: number;
  readonly reader: MetricReader;
}

export type Measured =
  | { readonly ok: true; readonly replicas: number; readonly status: MetricStatus; readonly title: string }
  | { readonly ok: false; readonly reason: string; readonly message: string };

const noMetrics = "did not receive metrics for targeted pods (pods might be unready)";

export function measure(metric: MetricSpec, input: MeasureInput): Measured {
  switch (metric.type) {
    case "Resource":
    case "ContainerResource":
      return byResource(metric, input);
    case "Pods":
      return byPods(metric, input);
    case "Object":
      return byObject(metric, input);
    default:
      return failed("FailedGetExternalMetric", `unable to get external metric: Podwire has none`);
  }
}

function byResource({ type, resource, containerResource }: MetricSpec, input: MeasureInput): Measured {
  const { name = "", target } = containerResource ?? resource ?? {};
  const container = containerResource?.container;
  const reason = container === undefined ? "FailedGetResourceMetric" : "FailedGetContainerResourceMetric";
  const groups = groupPods({ ...input, isCpu: name === "cpu", sampleOf: (pod) => input.reader.resource(pod, name, container) });
  const where = container === undefined ? "resource" : "container resource";
  if (groups.measured.size === 0) return failed(reason, `failed to get ${name} ${where} metric value: ${noMetrics}`);
  const status = (current: object): MetricStatus =>
    container === undefined ? { type, resource: { name, current } } : { type, containerResource: { name, container, current } };
  const title = container === undefined ? `${name} resource` : `${name} container resource`;
  const percent = target?.averageUtilization;
  if (percent === undefined) {
    const { replicas, meanMilli } = countByMean({ ...input, groups }, milliOf(target?.averageValue));
    return { ok: true, replicas, title, status: status({ averageValue: amount(name, meanMilli) }) };
  }
  const requests = new Map<Pod, number>();
  for (const pod of input.pods) {
    const { milli, without } = requestOf(pod, name, container);
    if (without !== undefined) {
      const place = `container ${without} of Pod ${pod.metadata?.name}`;
      return failed(reason, `failed to get ${name} utilization: missing request for ${name} in ${place}`);
    }
    requests.set(pod, milli);
  }
  const counted = countByUtilization({ ...input, groups }, { percent, requestMilli: (pod) => requests.get(pod) ?? 0 });
  const current = { averageUtilization: counted.utilization, averageValue: amount(name, counted.meanMilli) };
  return { ok: true, replicas: counted.replicas, title: `${title} utilization (percentage of request)`, status: status(current) };
}

/** `without` is the first container that requests none. */
function requestOf(pod: Pod, name: string, only: string | undefined) {
  let milli = 0;
  for (const container of pod.spec?.containers ?? []) {
    if (only !== undefined && container.name !== only) continue;
    const quantity = requestsOfContainer(container).get(name);
    if (quantity === undefined || quantity === 0n) return { milli: 0, without: container.name };
    milli += Number(quantity) / billionthsInThousandth;
  }
  return { milli, without: undefined };
}

function byPods({ type, pods: source }: MetricSpec, input: MeasureInput): Measured {
  const name = source?.metric?.name ?? "";
  let isKnown = true;
  const sampleOf = (pod: Pod): Sample | undefined => {
    const sample = input.reader.pod(pod, name);
    isKnown &&= sample !== undefined;
    return sample === "missing" ? undefined : sample;
  };
  const groups = groupPods({ ...input, isCpu: false, sampleOf });
  if (!isKnown) return failed("FailedGetPodsMetric", `unable to get metric ${name}: there is no such metric of pods`);
  if (groups.measured.size === 0) return failed("FailedGetPodsMetric", `unable to get metric ${name}: ${noMetrics}`);
  const { replicas, meanMilli } = countByMean({ ...input, groups }, milliOf(source?.target?.averageValue));
  const status = { type, pods: { metric: source?.metric, current: { averageValue: amount(name, meanMilli) } } };
  return { ok: true, replicas, title: `pods metric ${name}`, status };
}

function byObject({ type, object: source }: MetricSpec, input: MeasureInput): Measured {
  const { kind = "", name: objectName = "" } = source?.describedObject ?? {};
  const name = source?.metric?.name ?? "";
  const usage = input.reader.object({ kind, name: objectName }, name);
  if (usage === undefined) {
    return failed("FailedGetObjectMetric", `unable to get metric ${name}: ${kind} on ${objectName}: there is no such metric`);
  }
  const milli = Math.ceil(usage);
  const { target, metric, describedObject } = source ?? {};
  const title = `${kind} metric ${name}`;
  const status = (current: object): MetricStatus => ({ type, object: { metric, describedObject, current } });
  const readyCount = input.pods.filter((pod) => isReady(pod) && pod.metadata?.deletionTimestamp === undefined).length;
  if (target?.value !== undefined) {
    const replicas = countByValue({ ...input, readyCount }, milli, milliOf(target.value));
    return { ok: true, replicas, title, status: status({ value: amount(name, milli) }) };
  }
  const replicas = countByShare(input, milli, milliOf(target?.averageValue));
  const share = Math.ceil(milli / Math.max(1, input.currentReplicas));
  return { ok: true, replicas, title, status: status({ averageValue: amount(name, share) }) };
}

function failed(reason: string, message: string): Measured {
  return { ok: false, reason, message };
}

const billionthsInThousandth = 1_000_000;

/** Of a quantity that validation has seen. */
function milliOf(quantity: MetricTarget["value"]): number {
  return Number(parseQuantity(quantity ?? "0")) / billionthsInThousandth;
}

function amount(name: string, milli: number): string {
  return formatQuantity(BigInt(Math.trunc(milli)) * BigInt(billionthsInThousandth), name === "memory" ? "binary" : "decimal");
}
