/* Which pods a Job makes next, and when: after failures ever later, as Kubernetes does it. Pure. */

import type { Clock } from "#core/clock.ts";
import { emptyMetadata } from "#core/objects/metadata.ts";
import type { Container, Job, Pod, PodTemplateSpec } from "#proto/podwire/v1/resources.ts";
import { nameOf } from "../state/objects.ts";
import { indexAnnotation, indexOf, type JobCount, trackingFinalizer } from "./job-count.ts";
import type { NewPod } from "./workload.ts";

const backoffSeconds = 10;
const backoffSecondsMax = 360;
const createdAtOnceMax = 500;

/** Not before this, in wall milliseconds: 10 s after a failure, 20 s after a second one, at most six minutes. */
export function retryFromMs(job: Job, pods: readonly Pod[], clock: Clock): number {
  const ends = (phase: string) => pods.filter(({ status }) => status?.phase === phase).map(endMs);
  const lastSuccessMs = Math.max(Number.NEGATIVE_INFINITY, ...ends("Succeeded"));
  const failures = ends("Failed").filter((ms) => ms > lastSuccessMs);
  if (failures.length === 0 || job.status?.startTime === undefined) return 0;
  const seconds = Math.min(backoffSeconds * 2 ** (failures.length - 1), backoffSecondsMax);
  return Math.max(...failures) + clock.timerMs(seconds);
}

/** When the last of its containers ended, as far as anybody said. */
function endMs({ metadata, status }: Pod): number {
  const times = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  const changes = (status?.conditions ?? []).map(({ lastTransitionTime }) => Date.parse(lastTransitionTime ?? ""));
  const known = (times.some(Number.isFinite) ? times : changes).filter(Number.isFinite);
  return known.length === 0 ? Date.parse(metadata?.creationTimestamp ?? "") || 0 : Math.max(...known);
}

export interface Missing {
  readonly count: JobCount;
  readonly missing: number;
}

export function missingPods(job: Job, { count, missing }: Missing): readonly NewPod[] {
  const wanted = Math.min(Math.max(0, missing), createdAtOnceMax);
  if (job.spec?.completionMode !== "Indexed") return Array.from({ length: wanted }, () => newPod(job, undefined));
  const taken = new Set([...count.completedIndexes, ...[...count.active, ...count.ending].flatMap((pod) => indexOf(pod) ?? [])]);
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < wanted; index++)
    if (!taken.has(index)) free.push(index);
  return free.map((index) => newPod(job, index));
}

function newPod(job: Job, index: number | undefined): NewPod {
  const template = job.spec?.template ?? { metadata: undefined, spec: undefined };
  const metadata = { ...emptyMetadata, ...template.metadata };
  const finalizers = [...metadata.finalizers, trackingFinalizer];
  if (index === undefined) return { template: { ...template, metadata: { ...metadata, finalizers } } };
  const own = { [indexAnnotation]: String(index) };
  return {
    template: withIndex({ ...template, metadata: { ...metadata, finalizers } }, { index, hostname: `${nameOf(job)}-${index}` }),
    metadata: {
      generateName: `${nameOf(job)}-${index}-`,
      labels: { ...metadata.labels, ...own },
      annotations: { ...metadata.annotations, ...own },
    },
  };
}

function withIndex(template: PodTemplateSpec, { index, hostname }: { readonly index: number; readonly hostname: string }) {
  const { spec } = template;
  if (spec === undefined) return template;
  const variable = { name: "JOB_COMPLETION_INDEX", value: String(index) };
  const knowing = (container: Container): Container =>
    container.env.some(({ name }) => name === variable.name) ? container : { ...container, env: [...container.env, variable] };
  return {
    ...template,
    spec: {
      ...spec,
      hostname: spec.hostname || hostname,
      containers: spec.containers.map(knowing),
      initContainers: spec.initContainers.map(knowing),
    },
  };
}
