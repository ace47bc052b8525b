import type { Json } from "#core/json.ts";
import type { Container, ContainerState, ContainerStatus, Pod } from "#proto/podwire/v1/resources.ts";
import { podStatusText } from "../pod-status.ts";
import { printable } from "../printable.ts";
import type { Describer } from "./describer.ts";
import {
  annotationsField,
  conditionsTable,
  field,
  indented,
  labelsField,
  listField,
  timeText,
  tolerationText,
  volumeText,
} from "./fields.ts";

export const podDescriber: Describer<Pod> = {
  lines: (pod) => [...headLines(pod), ...addressLines(pod), ...containersLines(pod), ...tailLines(pod)],
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

function containersLines({ spec, status }: Pod): string[] {
  const statuses = status?.containerStatuses ?? [];
  return [
    "Containers:",
    ...(spec?.containers ?? []).flatMap((container) => [
      `  ${container.name ?? ""}:`,
      ...indented(
        containerLines(
          container,
          statuses.find((candidate) => candidate.name === container.name),
        ),
        4,
      ),
    ]),
  ];
}

function containerLines(container: Container, status: ContainerStatus | undefined): string[] {
  const ports = container.ports.map(
    (port) => `${port.containerPort ?? 0}/${port.protocol ?? "TCP"}${port.name ? ` (${port.name})` : ""}`,
  );
  const hostPorts = container.ports.map((port) => `${port.hostPort ?? 0}/${port.protocol ?? "TCP"}`);
  return [
    field("Container ID", status?.containerID),
    field("Image", container.image),
    field("Image ID", status?.imageID),
    field(ports.length > 1 ? "Ports" : "Port", ports.join(", ") || "<none>"),
    field(hostPorts.length > 1 ? "Host Ports" : "Host Port", hostPorts.join(", ") || "<none>"),
    ...wordsLines("Command", container.command),
    ...wordsLines("Args", container.args),
    ...(status === undefined ? [] : statusLines(status)),
    ...environmentLines(container),
    ...listField(
      "Mounts",
      container.volumeMounts.map((mount) => mountText(mount as unknown as Json)),
    ),
  ];
}

function statusLines(status: ContainerStatus): string[] {
  return [
    ...stateLines("State", status.state),
    ...(status.lastState?.terminated === undefined ? [] : stateLines("Last State", status.lastState)),
    field("Ready", status.ready === true ? "True" : "False"),
    field("Restart Count", status.restartCount ?? 0),
  ];
}

function stateLines(label: string, state: ContainerState | undefined): string[] {
  if (state?.running !== undefined) {
    return [field(label, "Running"), ...indented([field("Started", timeText(state.running.startedAt))])];
  }
  if (state?.terminated !== undefined) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = state.terminated;
    const details = [
      ...(reason ? [field("Reason", reason)] : []),
      ...(message ? [field("Message", message)] : []),
      field("Exit Code", exitCode ?? 0),
      ...(signal ? [field("Signal", signal)] : []),
      field("Started", timeText(startedAt)),
      field("Finished", timeText(finishedAt)),
    ];
    return [field(label, "Terminated"), ...indented(details)];
  }
  const { reason, message } = state?.waiting ?? {};
  const details = [...(reason ? [field("Reason", reason)] : []), ...(message ? [field("Message", message)] : [])];
  return [field(label, "Waiting"), ...indented(details)];
}

function wordsLines(label: string, words: readonly string[]): string[] {
  return words.length === 0
    ? []
    : [`${label}:`, ...words.flatMap((word) => word.split("\n")).map((line) => `  ${printable(line)}`)];
}

function environmentLines({ env }: Container): string[] {
  if (env.length === 0) return ["Environment:\t<none>"];
  return [
    "Environment:",
    ...env.map(
      ({ name, value, valueFrom }) => `  ${field(name ?? "", valueFrom === undefined ? value : JSON.stringify(valueFrom))}`,
    ),
  ];
}

function mountText(mount: Json): string {
  const { mountPath = "", name = "", readOnly } = (mount ?? {}) as Readonly<Record<string, Json>>;
  return `${mountPath} from ${name} (${readOnly === true ? "ro" : "rw"})`;
}

function tailLines({ spec, status }: Pod): string[] {
  return [
    ...(status === undefined || status.conditions.length === 0 ? [] : ["Conditions:", ...conditionsTable(status.conditions)]),
    ...listField(
      "Volumes",
      (spec?.volumes ?? []).map((volume) => volumeText(volume as unknown as Json)),
    ),
    ...(status?.qosClass === undefined ? [] : [field("QoS Class", status.qosClass)]),
    ...labelsField("Node-Selectors", spec?.nodeSelector ?? {}),
    ...listField(
      "Tolerations",
      (spec?.tolerations ?? []).map((toleration) => tolerationText(toleration as unknown as Json)),
    ),
  ];
}
