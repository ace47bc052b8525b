import { formatLabelSelector } from "#core/objects/label-selector.ts";
import type { Job } from "#proto/podwire/v1/resources.ts";
import { durationText } from "../job-columns.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, field, labelsField, timeText } from "./fields.ts";
import { podTemplateLines } from "./pod-template.ts";

export const jobDescriber: Describer<Job> = {
  events: true,
  lines: (job, { nowMs }) => {
    const { metadata, spec, status } = job;
    const { active = 0, ready = 0, succeeded = 0, failed = 0 } = status ?? {};
    return [
      field("Name", metadata?.name),
      field("Namespace", metadata?.namespace),
      field("Selector", formatLabelSelector(spec?.selector)),
      ...labelsField("Labels", metadata?.labels ?? {}),
      ...annotationsField(metadata?.annotations ?? {}),
      field("Parallelism", spec?.parallelism),
      field("Completions", spec?.completions ?? "<unset>"),
      field("Completion Mode", spec?.completionMode),
      field("Suspend", spec?.suspend ?? false),
      field("Backoff Limit", spec?.backoffLimit),
      ...(spec?.ttlSecondsAfterFinished === undefined ? [] : [field("TTL Seconds After Finished", spec.ttlSecondsAfterFinished)]),
      ...(status?.startTime === undefined ? [] : [field("Start Time", timeText(status.startTime))]),
      ...(status?.completionTime === undefined
        ? []
        : [field("Completed At", timeText(status.completionTime)), field("Duration", durationText(job, nowMs))]),
      ...(spec?.activeDeadlineSeconds === undefined ? [] : [field("Active Deadline Seconds", `${spec.activeDeadlineSeconds}s`)]),
      field("Pods Statuses", `${active} Active (${ready} Ready) / ${succeeded} Succeeded / ${failed} Failed`),
      ...(spec?.completionMode === "Indexed" ? [field("Completed Indexes", status?.completedIndexes || "<none>")] : []),
      ...podTemplateLines(spec?.template),
    ];
  },
};
