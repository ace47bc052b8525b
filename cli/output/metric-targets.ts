/* What a HorizontalPodAutoscaler measured and what it aims at, in kubectl's words. */

import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from "#proto/podwire/v1/resources.ts";

const unknown = "<unknown>";
/** kubectl shows so many and counts the others. */
const shownMax = 2;

export interface MetricTexts {
  /** "cpu" of a resource; empty for what is not of one. */
  readonly name: string;
  /** As kubectl's describe has it: `"requests_per_second" on pods`. */
  readonly title: string;
  readonly current: string;
  /** For descriptions: a share with what it is a share of. */
  readonly currentInFull: string;
  readonly target: string;
}

/** "cpu: 48%/60%, 12/20" */
export function targetsText(autoscaler: HorizontalPodAutoscaler): string {
  const texts = metricTexts(autoscaler).map(
    ({ name, current, target }) => `${name === "" ? "" : `${name}: `}${current}/${target}`,
  );
  if (texts.length === 0) return "<none>";
  const more = texts.length - shownMax;
  return `${texts.slice(0, shownMax).join(", ")}${more > 0 ? ` + ${more} more...` : ""}`;
}

export function metricTexts({ spec, status }: HorizontalPodAutoscaler): readonly MetricTexts[] {
  return (spec?.metrics ?? []).map((metric, i) => textsOf(metric, status?.currentMetrics[i]));
}

function textsOf(metric: MetricSpec, status: MetricStatus | undefined): MetricTexts {
  const { resource, containerResource, pods, object } = metric;
  const source = resource ?? containerResource;
  if (source !== undefined) {
    const current = status?.resource?.current ?? status?.containerResource?.current;
    const where = containerResource === undefined ? "pods" : `container "${containerResource.container}"`;
    const share = source.target?.averageUtilization !== undefined;
    const title = `resource ${source.name} on ${where}${share ? "  (as a percentage of request)" : ""}`;
    return { name: source.name ?? "", title, ...currentAndTarget(source.target, current) };
  }
  if (pods !== undefined) {
    return { name: "", title: `"${pods.metric?.name}" on pods`, ...currentAndTarget(pods.target, status?.pods?.current) };
  }
  if (object !== undefined) {
    const { kind, name } = object.describedObject ?? {};
    const isMean = object.target?.averageValue !== undefined;
    const { target, ...current } = currentAndTarget(object.target, status?.object?.current);
    return {
      name: "",
      title: `"${object.metric?.name}" on ${kind}/${name} (target ${isMean ? "average value" : "value"})`,
      ...{ ...current, target: isMean ? `${target} (avg)` : target },
    };
  }
  return { name: "", title: metric.type ?? "", current: unknown, currentInFull: unknown, target: unknown };
}

function currentAndTarget(target: MetricTarget | undefined, current: MetricValueStatus | undefined) {
  const { averageUtilization, averageValue, value } = target ?? {};
  if (averageUtilization !== undefined) {
    const now = current?.averageUtilization === undefined ? unknown : `${current.averageUtilization}%`;
    const mean = current?.averageValue === undefined ? "" : ` (${current.averageValue})`;
    return { current: now, currentInFull: `${now}${mean}`, target: `${averageUtilization}%` };
  }
  const now = (averageValue === undefined ? current?.value : current?.averageValue) ?? unknown;
  return { current: now, currentInFull: now, target: averageValue ?? value ?? unknown };
}
