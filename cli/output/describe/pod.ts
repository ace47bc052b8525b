import type { Pod, Toleration } from "#proto/podwire/v1/resources.ts";
import { podStatusText } from "../pod-status.ts";
import { containersLines } from "./container.ts";
import type { Describer } from "./describer.ts";
import { annotationsField, conditionsLines, controllerField, field, labelsField, listField, timeText } from "./fields.ts";
import { volumeLines } from "./volume.ts";

export const podDescriber: Describer<Pod> = {
  events: true,
  lines: (pod) => [
    ...headLines(pod),
    ...addressLines(pod),
    ...controllerField(pod),
    ...containersLines("Init Containers", pod.spec?.initContainers ?? [], pod),
    ...containersLines("Containers", pod.spec?.containers ?? [], pod),
    ...tailLines(pod),
  ],
};

function headLines(pod: Pod): string[] {
  const { metadata, spec, status } = pod;
  const node = spec?.nodeName === undefined || spec.nodeName === "" ? "<none>" : `${spec.nodeName}/${status?.hostIP ?? ""}`;
  const lines = [
    field("Name", metadata?.name),
    field("Namespace", metadata?.namespace),
    field("Priority", spec?.priority ?? 0),
    ...(spec?.serviceAccountName === undefined ? [] : [field("Service Account", spec.serviceAccountName)]),
    field("Node", node),
    ...(status?.startTime === undefined ? [] : [field("Start Time", timeText(status.startTime))]),
    ...labelsField("Labels", metadata?.labels ?? {}),
    ...annotationsField(metadata?.annotations ?? {}),
  ];
  if (metadata?.deletionTimestamp === undefined) lines.push(field("Status", status?.phase));
  else {
    lines.push(field("Status", `${podStatusText(pod)} (since ${timeText(metadata.deletionTimestamp)})`));
    lines.push(field("Termination Grace Period", `${metadata.deletionGracePeriodSeconds ?? 0}s`));
  }
  if (status?.reason) lines.push(field("Reason", status.reason));
  if (status?.message) lines.push(field("Message", status.message));
  return lines;
}

function addressLines({ status }: Pod): string[] {
  const ips = (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
  return [field("IP", status?.podIP), ...(ips.length === 0 ? ["IPs:\t<none>"] : ["IPs:", ...ips.map((ip) => `  IP:\t${ip}`)])];
}

function tailLines({ spec, status }: Pod): string[] {
  return [
    ...conditionsLines(status?.conditions ?? []),
    ...volumeLines(spec?.volumes ?? []),
    ...(status?.qosClass === undefined ? [] : [field("QoS Class", status.qosClass)]),
    ...labelsField("Node-Selectors", spec?.nodeSelector ?? {}),
    ...listField("Tolerations", (spec?.tolerations ?? []).map(tolerationText)),
  ];
}

/** `node-role/x=y:NoSchedule op=Exists for 300s` */
function tolerationText({ key = "", value = "", effect = "", operator = "", tolerationSeconds }: Toleration): string {
  const pair = `${key}${value === "" ? "" : `=${value}`}${effect === "" ? "" : `:${effect}`}`;
  const op = operator === "Exists" && value === "" ? `${pair === "" ? "" : " "}op=Exists` : "";
  return `${pair}${op}${tolerationSeconds === undefined ? "" : ` for ${tolerationSeconds}s`}`;
}
